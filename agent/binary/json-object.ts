/** Texts that somebody else wrote, which should be one JSON object. */

/** Its members, none of them checked; `undefined` for anything else, cut or damaged. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
