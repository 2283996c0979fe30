/** What each errno of kexec_file_load means, with the circumstances under which kernels 5.10 to 7.2 gave it. */
import t from 'tap';
import { identifyKernel } from '../../linux/kernel-image.ts';
import { buildArm64Image, buildBzImage } from '../../testing/build-kernel-image.ts';
import { type Circumstances, explainRefusal } from './explain-refusal.ts';

const MiB = 1024 * 1024;
const signed = identifyKernel(buildBzImage({ signed: true }), 'k');
const unsigned = identifyKernel(buildBzImage(), 'k');
const calm: Circumstances = {
  state: { reservedBytes: 256 * MiB, loaded: false, disabled: false, attemptsLeft: undefined, handlesHotplug: false },
  lockdown: { state: 'none', secureBoot: false },
  image: signed,
  machine: 'x86_64',
  fiveLevel: false,
  mayLoad: true,
  regionBytes: 256 * MiB,
  neededBytes: 100 * MiB,
  signatureForced: false,
};
const locked = { lockdown: { state: 'integrity', secureBoot: true } } as const;

const cases: readonly (readonly [errno: string, about: Partial<Circumstances>, cause: RegExp, remedy: RegExp])[] = [
  ['EPERM', { mayLoad: false }, /CAP_SYS_BOOT/, /as root/],
  ['EPERM', { state: { ...calm.state, disabled: true } }, /until the next start/, /sysctl\.d/],
  ['EPERM', { state: { ...calm.state, attemptsLeft: 0 } }, /failed ones count too/, /kexec_load_limit_panic/],
  ['EPERM', { ...locked, image: unsigned }, /locked down \(integrity\).*no signature/, /signed kernel/],
  ['EPERM', locked, /does not trust the signature/, /mokutil/],
  ['EPERM', { lockdown: { state: 'confidentiality', secureBoot: false } }, /without Secure Boot/, /Secure Boot on/],
  ['EPERM', {}, /security module/, /dmesg/],
  ['EBUSY', {}, /another program/, /kdump-tools/],
  ['EADDRNOTAVAIL', { regionBytes: 0 }, /no memory is reserved/, /crashkernel=/],
  ['EADDRNOTAVAIL', { neededBytes: 300 * MiB }, /256 MiB has no room.*300 MiB/, /kcapture estimate/],
  ['ENOMEM', { neededBytes: 250 * MiB }, /no room left in the reservation/, /kcapture estimate/],
  ['ENOMEM', {}, /running kernel has no memory/, /Free memory/],
  ['ENOEXEC', { fiveLevel: true, image: { ...signed, fiveLevel: false } }, /5-level/, /no5lvl/],
  ['ENOEXEC', {}, /cannot load an x86 bzImage/, /--kernel/],
  ['EINVAL', { regionBytes: 0 }, /no memory is reserved/, /estimate/],
  ['EINVAL', { machine: 'aarch64' }, /cannot load an x86 bzImage/, /arm64 Image/],
  ['EINVAL', { machine: 'aarch64', image: identifyKernel(buildArm64Image(), 'k') }, /page size/, /running kernel/],
  ['EINVAL', {}, /command line is too long/, /cmdline_remove/],
  ['EKEYREJECTED', { image: unsigned, signatureForced: true }, /KEXEC_SIG_FORCE/, /signed kernel/],
  ['EKEYREJECTED', { image: unsigned }, /not signed/, /signed kernel/],
  ['EKEYREJECTED', {}, /does not fit/, /package again/],
  ['ENODATA', { image: unsigned }, /not signed/, /signed kernel/],
  ['ENOKEY', {}, /does not trust/, /mokutil/],
  ['EKEYEXPIRED', {}, /expired/, /./],
  ['EKEYREVOKED', {}, /revoked/, /newer kernel/],
  ['ENOPKG', {}, /algorithm/, /same distribution/],
  ['ELIBBAD', {}, /headers/, /package again/],
  ['EBADMSG', {}, /signature .* damaged/, /package again/],
  ['EOPNOTSUPP', {}, /aarch64/, /newer kernel/],
  ['ENOSYS', {}, /no kexec_file_load/, /CONFIG_KEXEC_FILE/],
  ['EFBIG', {}, /4 GiB/, /smaller/],
  ['EACCES', {}, /policy/, /audit/],
  ['ETXTBSY', {}, /writing/, /Wait/],
  ['EIO', {}, /cannot be read/, /dmesg/],
  ['E999', {}, /not documented/, /dmesg/],
];

t.test('explainRefusal() gives cause and remedy by errno and circumstances', async (t) => {
  for (const [errno, about, cause, remedy] of cases) {
    const found = explainRefusal(errno, { ...calm, ...about });
    t.match(found.cause, cause, `${errno}: ${found.cause}`);
    t.match(found.remedy, remedy, `${errno}: ${found.remedy}`);
    t.notMatch(found.cause, /^[A-Z][a-z]|\.$/, 'a cause is a clause');
    t.match(found.remedy, /^[A-Z].*\.$/, 'a remedy is a sentence');
  }
});
