import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { formatRecord, readKernelLog } from './kernel-log.ts';

t.test('a record is printed as dmesg prints it', async (t) => {
  t.equal(
    formatRecord('6,339,5140900,-;NET: Registered PF_INET; family 10\n SUBSYSTEM=net\n'),
    '[    5.140900] NET: Registered PF_INET; family 10\n',
  );
  t.equal(formatRecord('4,1,99999999999,-,caller=T1;x\n'), '[99999.999999] x\n');
  t.equal(formatRecord('no record at all'), 'no record at all\n');
});

t.test('a file that is not there, or a folder, gives nothing', async (t) => {
  t.equal(readKernelLog(1000, '/nonexistent/kmsg'), '');
  t.equal(readKernelLog(1000, '/proc'), '');
});

t.test('no more than asked for is kept, and it ends', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kcapture-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'kmsg');
  writeFileSync(path, `6,1,1000000,-;${'x'.repeat(100)}\n`);
  t.match(readKernelLog(1000, path), /^\[ {4}1\.000000\] x{100}\n$/);
  t.equal(readKernelLog(50, path), '');
});
