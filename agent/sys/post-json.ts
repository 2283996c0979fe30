/** One HTTP request with a JSON body. */
import type { PostOptions, PostResult } from './system.ts';

/** Redirects are not followed: what a notification holds goes where the configuration says and nowhere else. Never throws. */
export async function postJson(url: string, body: unknown, { timeoutMs, headers = {} }: PostOptions): Promise<PostResult> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
      redirect: 'manual',
      signal: AbortSignal.timeout(Math.max(1, Math.min(timeoutMs, 2 ** 31 - 1))),
    });
    await response.body?.cancel();
    return { status: response.status };
  } catch (cause) {
    return { status: 0, problem: problemOf(cause, timeoutMs) };
  }
}

/** Without the address, which may hold a secret. */
function problemOf(cause: unknown, timeoutMs: number): string {
  if (cause instanceof Error && (cause.name === 'TimeoutError' || cause.name === 'AbortError')) return `no answer within ${timeoutMs} ms`;
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the name of the server cannot be resolved';
  if (code === 'ECONNREFUSED' || code === 'ConnectionRefused') return 'the server refuses the connection';
  if (code === 'ERR_INVALID_URL') return 'the address is no URL';
  return code === '' ? 'the request failed' : `the request failed (${code})`;
}
