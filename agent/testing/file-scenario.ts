/**
 * What `Files` is asked in its tests, in one run over a tree of its own: Node and Bun must give the same answers, word for word.
 */
import type { Files } from '../sys/files-interface.ts';

export type Outcomes = Readonly<Record<string, unknown>>;

/** @param files below a folder that holds `etc/`, with nothing else in it. */
export function runFileScenario(files: Files): Outcomes {
  const outcomes: Record<string, unknown> = {};
  const keep = (name: string, action: () => unknown) => {
    outcomes[name] = outcomeOf(action);
  };

  keep('write', () => files.write('/etc/one', 'first\n'));
  keep('write again', () => files.write('/etc/one', 'second\n', 0o600));
  keep('text', () => files.readTextIfThere('/etc/one'));
  keep('text, first bytes', () => files.readTextIfThere('/etc/one', 3));
  keep('text of nothing', () => files.readTextIfThere('/etc/none'));
  keep('text of a folder', () => files.readTextIfThere('/etc'));
  keep('mode', () => files.status('/etc/one')?.mode);
  keep('nothing left beside', () => files.list('/etc'));
  keep('write bytes', () => files.write('/etc/bytes', new Uint8Array([0, 255, 7])));
  keep('bytes', () => [...files.readBytes('/etc/bytes')]);
  keep('bytes of nothing', () => files.readBytes('/etc/none'));
  keep('write below nothing', () => files.write('/none/one', ''));
  keep('write over a folder', () => files.write('/etc', ''));
  keep('read at', () => [...files.readAt('/etc/bytes', 1, 10)]);
  keep('read at the end', () => files.readAt('/etc/bytes', 3, 10).length);
  keep('read at less than nothing', () => files.readAt('/etc/bytes', -1, 10));
  keep('read too much', () => files.readAt('/etc/bytes', 0, 2 ** 40));

  keep('write existing', () => files.writeExisting('/etc/one', 'x'));
  keep('nothing of the old is left', () => files.readTextIfThere('/etc/one'));
  keep('write existing nothing', () => files.writeExisting('/etc/none', 'x'));
  keep('it was not made', () => files.status('/etc/none'));
  keep('append', () => files.append('/etc/log', 'a'));
  keep('append more', () => files.append('/etc/log', 'b'));
  keep('appended', () => [files.readTextIfThere('/etc/log'), files.status('/etc/log')?.mode]);
  keep('copy', () => files.copy('/etc/log', '/etc/copy'));
  keep('copied', () => [files.readTextIfThere('/etc/copy'), files.status('/etc/copy')?.mode]);
  keep('copy with a mode', () => files.copy('/etc/log', '/etc/copy', 0o755));
  keep('mode of the copy', () => files.status('/etc/copy')?.mode);
  keep('copy nothing', () => files.copy('/etc/none', '/etc/copy'));
  keep('set mode', () => files.setMode('/etc/copy', 0o640));
  keep('mode that was set', () => files.status('/etc/copy')?.mode);

  keep('make folders', () => files.makeFolder('/var/lib/deep', 0o700));
  keep('modes of folders', () => ['/var', '/var/lib', '/var/lib/deep'].map((path) => files.status(path)?.mode));
  keep('make it again', () => files.makeFolder('/var/lib/deep'));
  keep('make one over a file', () => files.makeFolder('/etc/one'));
  keep('list', () => files.list('/etc'));
  keep('list nothing', () => files.list('/none'));
  keep('list a file', () => files.list('/etc/one'));

  keep('link', () => files.link('/etc/one', '/var/link'));
  keep('link again', () => files.link('../etc/log', '/var/link'));
  keep('link over a file', () => files.link('/etc/one', '/etc/log'));
  keep('where it points', () => files.readLink('/var/link'));
  keep('what it leads to', () => files.readTextIfThere('/var/link'));
  keep('a file is no link', () => files.readLink('/etc/one'));
  keep('nothing is no link', () => files.readLink('/etc/none'));
  keep('kinds', () => [files.linkStatus('/var/link')?.kind, files.status('/var/link')?.kind, files.status('/etc')?.kind]);
  keep('real path', () => files.realPath('/var/link'));
  keep('real path of nothing', () => files.realPath('/var/none'));
  keep('write in place of a link', () => files.write('/var/link', 'own'));
  keep('what it led to', () => files.readTextIfThere('/etc/log'));

  keep('up and out', () => files.link('../../../../../../../../../../etc/passwd', '/var/out'));
  keep('stays inside', () => files.readTextIfThere('/var/out'));
  keep('out by name', () => files.readTextIfThere('/../../../../../../../../etc/passwd'));
  keep('real path of the way out', () => files.realPath('/var/../../../etc/one'));
  keep('link to itself', () => files.link('circle', '/var/circle'));
  keep('read the circle', () => files.readBytes('/var/circle'));

  keep('remove', () => files.remove('/etc/copy'));
  keep('remove nothing', () => files.remove('/etc/copy'));
  keep('remove a full folder', () => files.remove('/etc'));
  keep('remove an empty folder', () => files.remove('/var/lib/deep'));
  keep('a tree', () => {
    files.makeFolder('/tree/a/b/c');
    files.write('/tree/a/b/c/file', 'x');
    files.link('/etc', '/tree/a/etc');
  });
  keep('remove the tree', () => files.removeTree('/tree'));
  keep('the tree is gone, what a link led to is not', () => [files.status('/tree'), files.list('/etc').length > 0]);
  keep('remove no tree', () => files.removeTree('/tree'));
  keep('remove everything', () => files.removeTree('/'));
  keep('remove a link', () => {
    files.link('/etc', '/alias');
    files.removeTree('/alias');
    return [files.linkStatus('/alias'), files.list('/etc').length > 0];
  });

  keep('work folders', () => {
    const folder = files.makeWorkFolder();
    files.removeTree(folder);
    return folder.replace(/[^-/]+$/, '…');
  });
  keep('sync', () => [files.sync('/etc/one'), files.sync('/etc')]);
  keep('sync nothing', () => files.sync('/none'));
  keep('space', () => {
    const { totalBytes, freeBytes } = files.space('/etc');
    return freeBytes > 0 && totalBytes > freeBytes;
  });
  keep('SHA-256', () => {
    const seen: number[] = [];
    files.write('/big', new Uint8Array(9 * 1024 * 1024).fill(7));
    return [files.sha256('/big', (done) => seen.push(done)), seen];
  });
  keep('SHA-256 of nothing', () => files.sha256('/none'));
  keep('a relative path', () => files.readBytes('etc/one'));
  keep('a path with a NUL', () => files.readBytes('/etc/\0'));
  return outcomes;
}

/** The value, or what the error says to a program and to a person. */
export function outcomeOf(action: () => unknown): unknown {
  try {
    return action() ?? null;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `${code ?? 'no code'}: ${message}`;
  }
}
