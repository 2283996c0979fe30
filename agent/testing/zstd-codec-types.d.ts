/** The part of the package `zstd-codec` that is used here; it brings no types. */
declare module 'zstd-codec' {
  export type Simple = {
    /** `null` when the library fails. */
    compress(bytes: Uint8Array, level?: number): Uint8Array | null;
    /** `null` when the bytes are no frame, or one that does not announce its size. */
    decompress(bytes: Uint8Array): Uint8Array | null;
  };
  const package_: { ZstdCodec: { run(ready: (zstd: { Simple: new () => Simple }) => void): void } };
  export default package_;
}
