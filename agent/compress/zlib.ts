/** What there is to know about zlib streams without the library. */

export const defaultZlibLevel = 1;
