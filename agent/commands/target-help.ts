/** What `kcapture target --help` teaches: one example a kind, and what its server must allow. */

export const targetHelp = `
ssh: files by SFTP, into a folder the user may write to
  kcapture target add ssh://crash@files.example/srv/crash
  The server needs, in ~crash/.ssh/authorized_keys, the line that "add" prints: restrict,command="internal-sftp" ssh-ed25519 …

http: one PUT a file, below a folder of a WebDAV server
  kcapture target add https://files.example/crash --user crash --ca ca.pem
  kcapture target add https://files.example/crash --token-file -  <token
  kcapture target add https://files.example/crash --client-cert client.pem --client-key client.key
  nginx:  location /crash/ { root /srv; dav_methods PUT DELETE MKCOL MOVE; create_full_put_path on;
                             client_max_body_size 0; client_body_timeout 60s; auth_basic …; }

s3: Amazon's, or any store that speaks it
  kcapture target add 's3://crashes/fleet?region=eu-central-1' --access-key-file -  <key
  kcapture target add 's3://crashes?endpoint=https://store.example:9000' --access-key-file ~/.aws/credentials --ca ca.pem
  The key may do, on the bucket:  s3:ListBucket, s3:ListBucketMultipartUploads
                  on its objects: s3:PutObject, s3:GetObject, s3:DeleteObject, s3:AbortMultipartUpload
  Give the bucket a lifecycle rule that aborts incomplete multipart uploads after a day.

nfs: an export, version 4 or 3
  kcapture target add nfs://files.example/export/crash
  kcapture target add 'nfs://files.example/export/crash vers=3,port=2049,mountport=20048'    where a firewall hides its portmapper
  /etc/exports: /export/crash  192.0.2.0/24(rw,sync,no_root_squash)

Secrets come from files, standard input or a prompt, never from the command line. They lie in files of mode 0600, on this machine and in its image.
Exit codes: 0 the target works, 1 it does not, 2 the command line is wrong.
`;
