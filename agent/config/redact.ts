/** Takes secrets out of text that is printed: whoever reads a log or a bug report must not be able to use what the configuration holds. */

/** A URL: whether it is that of a target, scheme, user and password, host with port, and the rest up to a blank or quote. */
const url = /(\btarget(?:\s+|=)["']?)?\b([a-z][a-z0-9+.-]{0,20}:\/\/)([^\s/"'<>]*@)?([^\s/?#"'<>@]*)([^\s"'<>]*)/gi;
/** `password=…` and its kin, as in mount options and on the kernel's command line. */
const assignment = /((?:pass(?:word|wd|phrase)?|secret|token|api_?key|credentials?)=)(?:"[^"]*"|'[^']*'|[^\s,;&"']+)/gi;

/**
 * The same text with `***` for passwords, for tokens, and for all that follows the host in an http address: web hooks carry their secret
 * in the path as often as in the query. The path of a target is a folder, and stays.
 */
export function redact(text: string): string {
  return text.replace(url, redactUrl).replace(assignment, '$1***');
}

function redactUrl(_all: string, target: string | undefined, scheme: string, user: string | undefined, host: string, rest: string): string {
  const isWeb = /^https?:/i.test(scheme);
  const isSecret = isWeb && target === undefined;
  const path = isSecret ? (rest === '' || rest === '/' ? rest : '/***') : redactQuery(rest, /^s3:/i.test(scheme));
  return `${target ?? ''}${scheme}${user === undefined ? '' : redactUser(user, isWeb)}${redactPort(host)}${path}`;
}

/** An `@` in the path is the end of a password with a slash in it. */
function redactQuery(rest: string, isStore: boolean): string {
  const [, path, query = ''] = rest.match(/^([^?#]*)(.*)$/s) ?? [];
  const shown = isStore
    ? query.replace(/(^\?|&)([^&#]*)/g, (_all, mark: string, pair: string) => mark + redactPair(pair))
    : query.replace(/^(.).*$/s, '$1***');
  return `${path.replace(/[^/]*@/, '***@')}${isStore ? shown.replace(/#.*$/s, '#***') : shown}`;
}

function redactPair(pair: string): string {
  return pair === '***' || (/^(endpoint|region|style)=/.test(pair) && !/@|%40/i.test(pair)) ? pair : '***';
}

/** A port that is no number is the beginning of a password with a slash in it. */
function redactPort(host: string): string {
  return host.startsWith('[') ? host : host.replace(/:(?!\d{0,5}$).*$/, ':***');
}

/** A user's name alone may be a token on the web. Elsewhere it says who, and only what follows the colon is secret. */
function redactUser(user: string, isWeb: boolean): string {
  const colon = user.indexOf(':');
  if (colon >= 0) return `${user.slice(0, colon)}:***@`;
  return isWeb ? '***@' : user;
}
