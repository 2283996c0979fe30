import t from 'tap';
import { nfsMountOptions, nfsSource, versionsToTry } from './nfs-options.ts';

t.test('without a version all are tried, newest first; a named one alone', async (t) => {
  const cases: Record<string, readonly string[]> = {
    '': ['4.2', '4.1', '4.0', '3'],
    'rsize=65536': ['4.2', '4.1', '4.0', '3'],
    'vers=3': ['3'],
    'nfsvers=4.1': ['4.1'],
    'vers=4': ['4.2', '4.1', '4.0'],
    v4: ['4.2', '4.1', '4.0'],
    'v4.2': ['4.2'],
    'vers=4,minorversion=1': ['4.1'],
    'vers=4.2,vers=3': ['3'],
    'vers=2': ['2'],
    'vers=4.7': ['4.2', '4.1', '4.0', '3'],
    'vers=x': ['4.2', '4.1', '4.0', '3'],
  };
  for (const [options, versions] of Object.entries(cases)) t.same(versionsToTry(options), versions, options);
});

t.test('every attempt gives up by itself, and names address, version and protocol', async (t) => {
  t.equal(nfsMountOptions('', '4.2', '192.0.2.1'), 'rw,vers=4.2,addr=192.0.2.1,proto=tcp,soft,timeo=200,retrans=2');
  t.equal(nfsMountOptions('', '4.0', '2001:db8::1'), 'rw,vers=4.0,addr=2001:db8::1,proto=tcp6,soft,timeo=200,retrans=2');
  t.equal(nfsMountOptions('', '3', '192.0.2.1'), 'rw,vers=3,addr=192.0.2.1,proto=tcp,nolock,mountproto=tcp,soft,timeo=200,retrans=2');
  t.match(nfsMountOptions('', '3', '2001:db8::1'), /proto=tcp6,nolock,mountproto=tcp6/);
});

t.test('what the administrator says stays, but for what would let us wait for ever', async (t) => {
  const options = 'ro,hard,bg,retry=5,rsize=65536,port=20049,sec=sys,lock,proto=udp,vers=4.1,addr=198.51.100.9,noatime,timeo=7,retrans=1,';
  t.equal(
    nfsMountOptions(options, '4.1', '192.0.2.1'),
    'rw,rsize=65536,port=20049,sec=sys,noatime,vers=4.1,addr=192.0.2.1,proto=tcp,soft,timeo=7,retrans=1',
  );
  t.match(nfsMountOptions('timeo=600,retrans=5', '3', '192.0.2.1'), /timeo=300,retrans=2$/);
  t.match(nfsMountOptions('timeo=0,retrans=x', '3', '192.0.2.1'), /timeo=200,retrans=2$/);
  t.match(nfsMountOptions('timeo=-1,timeo=99999999999', '3', '192.0.2.1'), /timeo=200,retrans=2$/);
});

t.test('an address in the source stands in brackets when it has colons', async (t) => {
  t.equal(nfsSource('srv', '/export'), 'srv:/export');
  t.equal(nfsSource('2001:db8::1', '/export'), '[2001:db8::1]:/export');
});
