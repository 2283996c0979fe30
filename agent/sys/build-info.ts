/** Which build this is. The build puts the values in; the sources run without it say so. */

declare const KCAPTURE_VERSION: string | undefined;
declare const KCAPTURE_COMMIT: string | undefined;
declare const KCAPTURE_DATE: string | undefined;

export const buildInfo = {
  version: typeof KCAPTURE_VERSION === 'string' ? KCAPTURE_VERSION : 'unbuilt',
  commit: typeof KCAPTURE_COMMIT === 'string' ? KCAPTURE_COMMIT : 'unknown',
  /** Of the commit, so that the same sources give the same bytes. ISO 8601. */
  date: typeof KCAPTURE_DATE === 'string' ? KCAPTURE_DATE : 'unknown',
  runtime: `bun ${process.versions.bun ?? 'none'}`,
  arch: process.arch,
} as const;
