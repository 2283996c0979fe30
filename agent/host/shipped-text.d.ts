/** Texts of the product that are not TypeScript, imported `with { type: 'text' }`: `hooks/`, `dracut/`, `mkinitcpio/`. */

declare module '*.service' {
  const text: string;
  export default text;
}
declare module '*.rules' {
  const text: string;
  export default text;
}
declare module '*.conf' {
  const text: string;
  export default text;
}
declare module '*.install' {
  const text: string;
  export default text;
}
declare module '*.hook' {
  const text: string;
  export default text;
}
declare module '*.preset' {
  const text: string;
  export default text;
}
declare module '*.sh' {
  const text: string;
  export default text;
}
/** mkinitcpio knows its hooks by their bare names. */
declare module '*/install/kcapture' {
  const text: string;
  export default text;
}
declare module '*/hooks/kcapture' {
  const text: string;
  export default text;
}
