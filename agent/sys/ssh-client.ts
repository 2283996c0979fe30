/**
 * Opens an ssh connection with an SFTP channel: TCP → key exchange → the server's key is judged → our key is shown → SFTP.
 *
 * ssh2 is loaded when the first connection is opened: other threads and commands of this program never need it.
 */
import type { Socket } from 'node:net';
import type { Client, ConnectConfig, SFTPWrapper, utils } from 'ssh2';
import type { SshRequest, SshSession } from './network-interface.ts';
import { NetworkError } from './network-error.ts';
import { connectionError } from './ssh-error.ts';
import { SshRequests } from './ssh-requests.ts';
import { createSshSession } from './ssh-session.ts';
import { openConnection } from './open-connection.ts';
import { resolveName } from './resolve-name.ts';
import { trafficOf } from './socket-traffic.ts';

/** Fastest first. ChaCha20 is not among them: Bun's cryptography has it not. */
const ciphers = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes256-ctr'];
const macs = ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'];
/** For what is still to be sent when a connection is given up. */
const farewellMs = 1000;
/** Kinds of signature by kind of host key; SHA-1 is not among them. @source RFC 8332 */
const signatures: Readonly<Record<string, readonly string[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/**
 * The addresses are tried in turn; a server that shows a wrong key or refuses ours ends the search.
 * @throws NetworkError `network/unreachable|name|host-key|auth|stalled|broken|protocol`.
 */
export async function openSshSession(request: SshRequest): Promise<SshSession> {
  const { Client, utils } = (await import('ssh2')).default;
  requireReadable(utils.parseKey(request.privateKey), request);
  let failure = new NetworkError('network/unreachable', `Cannot reach ${request.host}: it has no address`);
  for (const address of request.addresses ?? (await resolveName(request.host, request.connectMs))) {
    try {
      const socket = await openConnection({ address, port: request.port, limitMs: request.connectMs });
      return await startSsh(new Client(), socket, request);
    } catch (cause) {
      failure = connectionError(peerOf(request), cause);
      if (!['network/unreachable', 'network/broken', 'network/stalled'].includes(failure.code)) break;
    }
  }
  throw failure;
}

/** @param key as ssh2 reads it; of a file with several, the first counts. */
function requireReadable(key: ReturnType<typeof utils.parseKey>, request: SshRequest): void {
  if (!(key instanceof Error) && (Array.isArray(key) ? key[0] : key)?.isPrivateKey() === true) return;
  throw new NetworkError('network/auth', `Cannot log in as ${peerOf(request)}: the private key cannot be read`, {
    hint: 'Give a private key in the format of OpenSSH, without a passphrase',
  });
}

function peerOf({ user, host, port }: SshRequest): string {
  return `${user}@${host} port ${port}`;
}

/** @param socket just opened: nothing may happen on it before the client listens. */
async function startSsh(client: Client, socket: Socket, request: SshRequest): Promise<SshSession> {
  const peer = peerOf(request);
  const ended = new Promise<void>((resolve) => client.once('close', () => resolve()));
  const requests = new SshRequests({ peer, stallMs: request.stallMs, traffic: trafficOf(socket), onStall: () => socket.destroy() });
  client.on('error', (cause) => {
    requests.fail(connectionError(peer, cause));
    socket.destroy();
  });
  client.on('close', () => requests.fail(new NetworkError('network/broken', `Cannot go on with ${peer}: the connection has ended`)));
  const end = () => {
    requests.fail(new NetworkError('network/broken', `Cannot go on with ${peer}: the connection was closed`));
    client.end();
    // A farewell that nobody takes must not keep the process alive.
    setTimeout(() => socket.destroy(), farewellMs).unref();
    socket.destroySoon();
  };
  try {
    await requests.ask<void>((answer) => {
      client.once('ready', () => answer(undefined));
      client.connect(settings(socket, request, (error) => answer(error)));
    });
    const sftp = await openSftp(client, requests, peer);
    sftp.on('error', (cause: Error) => {
      requests.fail(connectionError(peer, cause));
      socket.destroy();
    });
    sftp.on('close', () => socket.destroy());
    return createSshSession({ client, sftp, requests, ended, end });
  } catch (cause) {
    requests.fail(connectionError(peer, cause));
    socket.destroy();
    throw cause;
  }
}

/** @param onDistrust ends the attempt before the library does, whose words do not tell this from other failures. */
function settings(socket: Socket, request: SshRequest, onDistrust: (error: NetworkError) => void): ConnectConfig {
  const known = request.hostKeyTypes ?? Object.keys(signatures);
  const serverHostKey = known.flatMap((type) => signatures[type] ?? []);
  if (serverHostKey.length === 0) throw untrusted(request, `none of the kinds of key that are known can be used (${known.join(', ')})`);
  return {
    sock: socket,
    username: request.user,
    privateKey: request.privateKey,
    authHandler: ['publickey'],
    readyTimeout: 0,
    keepaliveInterval: Math.max(1000, Math.floor(request.stallMs / 4)),
    keepaliveCountMax: Number.MAX_SAFE_INTEGER,
    algorithms: {
      cipher: ciphers as never,
      hmac: macs as never,
      compress: ['none'],
      serverHostKey: serverHostKey as never,
    },
    hostVerifier: (key: Buffer) => {
      if (request.trust(hostKeyText(key))) return true;
      onDistrust(untrusted(request, 'its host key is not the pinned one'));
      return false;
    },
  };
}

function untrusted({ host, port }: SshRequest, reason: string): NetworkError {
  return new NetworkError('network/host-key', `Cannot trust ${host} port ${port}: ${reason}`, {
    hint: 'Compare the key of the server with the pinned one; pin it anew only when the server was installed anew',
  });
}

/** `ssh-ed25519 AAAA…`, as in known_hosts. */
function hostKeyText(key: Buffer): string {
  const length = key.length < 4 ? 0 : key.readUInt32BE(0);
  const type = length <= 64 ? key.toString('latin1', 4, 4 + length) : '';
  return `${type} ${key.toString('base64')}`;
}

async function openSftp(client: Client, requests: SshRequests, peer: string): Promise<SFTPWrapper> {
  try {
    return await requests.ask<SFTPWrapper>((answer) => client.sftp(answer));
  } catch (cause) {
    if (cause instanceof NetworkError) throw cause;
    throw new NetworkError('network/protocol', `Cannot store files as ${peer}: the server offers no SFTP`, {
      hint: 'Allow this user SFTP: "Subsystem sftp internal-sftp" in the configuration of sshd',
      cause,
    });
  }
}
