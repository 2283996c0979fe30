/** A shared library imported `with { type: 'file' }` is its path, inside the executable or outside. */
declare module '*.so' {
  const path: string;
  export default path;
}
