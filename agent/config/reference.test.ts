/** docs/configuration.md. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { hookFolders } from './defaults.ts';
import { directives } from './directive-table.ts';
import { kernelWords } from './kernel-words.ts';
import { otherSystems } from './other-systems.ts';
import { readConfiguration } from './read-configuration.ts';
import { referenceTables, renewTables } from './reference.ts';
import { removedFromKdump } from './replaced-words.ts';

const document = readFileSync('docs/configuration.md', 'utf8');

/** Every variable of the other systems, from their own files. @source facts §1.1–1.5 */
const variables = {
  Fedora: `KDUMP_KERNELVER KDUMP_COMMANDLINE KDUMP_COMMANDLINE_REMOVE KDUMP_COMMANDLINE_APPEND FADUMP_COMMANDLINE_APPEND KEXEC_ARGS KDUMP_BOOTDIR
    KDUMP_IMG KDUMP_IMG_EXT VMCORE_CREATION_NOTIFICATION KDUMP_STDLOGLVL KDUMP_SYSLOGLVL KDUMP_KMSGLOGLVL`,
  SUSE: `KDUMP_CRASHKERNEL KDUMP_UPDATE_BOOTLOADER KDUMP_KERNELVER KDUMP_CPUS KDUMP_COMMANDLINE KDUMP_COMMANDLINE_APPEND KDUMP_AUTO_RESIZE KDUMP_FADUMP
    KDUMP_FADUMP_SHELL FADUMP_COMMANDLINE_APPEND KEXEC_OPTIONS MAKEDUMPFILE_OPTIONS KDUMP_IMMEDIATE_REBOOT KDUMP_TRANSFER KDUMP_SAVEDIR
    KDUMP_KEEP_OLD_DUMPS KDUMP_FREE_DISK_SIZE KDUMP_VERBOSE KDUMP_DUMPLEVEL KDUMP_DUMPFORMAT KDUMP_CONTINUE_ON_ERROR KDUMP_REQUIRED_PROGRAMS
    KDUMP_PRESCRIPT KDUMP_POSTSCRIPT KDUMP_NETCONFIG KDUMP_NET_TIMEOUT KDUMP_SMTP_SERVER KDUMP_SMTP_USER KDUMP_SMTP_PASSWORD KDUMP_NOTIFICATION_TO
    KDUMP_NOTIFICATION_CC KDUMP_HOST_KEY KDUMP_SSH_IDENTITY KDUMPTOOL_FLAGS KDUMP_COPY_KERNEL KDUMP_CONF KDUMP_SMTP_TIMEOUT`,
  Debian: `USE_KDUMP KDUMP_KERNEL KDUMP_INITRD KDUMP_COREDIR KDUMP_FAIL_CMD KDUMP_DUMP_DMESG KDUMP_NUM_DUMPS KDUMP_COMPRESSION MAKEDUMP_ARGS
    KDUMP_KEXEC_ARGS KDUMP_CMDLINE KDUMP_CMDLINE_APPEND DEBUG_KERNEL HOSTTAG NFS NFS_TIMEO NFS_RETRANS NFS_MOUNT_RETRY SSH SSH_KEY SSH_KDUMP_RETRY FTP
    FTP_USER FTP_PASSWORD FTP_PORT KDUMP_SYSCTL`,
  kdumpst: `USE_PSTORE_RAM PSTORE_MEM_AMOUNT PSTORE_RECORD_SZ MOUNT_FOLDER FULL_COREDUMP MAKEDUMPFILE_COREDUMP_CMD MAKEDUMPFILE_DMESG_CMD
    KDUMP_APPEND_CMDLINE GRUB_AUTOSET GRUB_BOOT_FILE GRUB_CFG_FILE GRUB_CMDLINE MOUNT_DEVNODE KDUMP_FOLDER KDUMP_MNT LOG_SUBMISSION`,
};

t.test('its tables are those of the program', async (t) => {
  t.equal(renewTables(document), document, 'else run: bun agent/testing/write-reference.ts');
  const shown = [...document.matchAll(/<!-- table: ([\w-]+) -->/g)].map(([, name]) => name);
  t.same(shown, Object.keys(referenceTables()));
  t.throws(() => renewTables('<!-- table: nothing -->\n<!-- end -->'), /there is none/);
});

t.test('it names every directive, every kernel word, every removed word and every folder of hooks', async (t) => {
  const names = [
    ...directives.map(({ name, value }) => `${name} ${value}`.replace(/\|/g, '\\|')),
    ...kernelWords.map(({ name }) => name),
    ...removedFromKdump,
  ];
  for (const name of names) t.ok(document.includes(`\`${name}`), name);
  for (const folder of Object.values(hookFolders)) t.ok(document.includes(`${folder}/*`), folder);
});

for (const [system, names] of Object.entries(variables)) {
  t.test(`every variable of ${system}'s has its line, here and in what config check says`, async (t) => {
    const block = document.split(`<!-- table: ${system} -->`)[1].split('<!-- end -->')[0];
    for (const name of names.split(/\s+/)) {
      t.match(block, new RegExp(`^\\| \`${name}\` \\| \\S.* \\|$`, 'm'), name);
      const { problems } = readConfiguration(`${name}="x"\n`, undefined);
      t.match(problems, [{ line: 1, severity: 'error', hint: new RegExp(`^${name} is a word of`) }], name);
    }
    t.equal(otherSystems[system as keyof typeof otherSystems].sayings.length, names.split(/\s+/).length);
  });
}

t.test('what it tells to write instead can be written', async (t) => {
  const known = new Set(directives.map(({ name }) => name));
  for (const [system, { sayings }] of Object.entries(otherSystems)) {
    for (const [variable, here] of sayings) {
      for (const [, phrase] of here.matchAll(/`([^`]+)`/g)) {
        const [word] = phrase.split(' ');
        if (!phrase.startsWith('/') && !['kcapture', 'kcapture.log'].includes(word))
          t.ok(isKnown(word, phrase, known), `${system} ${variable}: ${phrase}`);
      }
    }
  }
});

/** A directive, or a value of `compress`. */
function isKnown(word: string, phrase: string, known: ReadonlySet<string>): boolean {
  return known.has(word) || readConfiguration(`compress ${phrase}`, undefined).problems.length === 0;
}
