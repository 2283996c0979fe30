/** What there is to know about zlib streams without the library. */

export const defaultZlibLevel = 1;
export const zlibLevels = { lowest: 1, highest: 9 } as const;
