/**
 * The little XML that stores answer with: elements and text, read strictly and within bounds. No document type, no entities of its own, no attributes
 * that matter; whatever is odd is refused rather than guessed at.
 *
 * Comes in: bytes from a server. Goes out: a tree.
 *
 * @source Extensible Markup Language 1.0, fifth edition; Amazon S3 API Reference
 */
import { KcaptureError } from '../../errors.ts';

/** Code: `xml/bad`. */
export class XmlError extends KcaptureError {}

export type XmlElement = {
  /** Without the prefix of its name space. */
  readonly name: string;
  /** Its own, between and around its children. */
  readonly text: string;
  readonly children: readonly XmlElement[];
};

/** A page of a listing has a thousand entries of at most eleven elements. */
const mostElements = 20_000;
const deepest = 16;

const namePattern = '[A-Za-z_][A-Za-z0-9_.-]{0,99}(?::[A-Za-z_][A-Za-z0-9_.-]{0,99})?';
const token = new RegExp(
  [
    '<\\?[^?<>]{0,1000}\\?>',
    '<!--(?:[^-]|-(?!-)){0,1000}-->',
    `<(?<close>/)?(?<name>${namePattern})(?:\\s+${namePattern}\\s*=\\s*(?:"[^"<]{0,1000}"|'[^'<]{0,1000}'))*\\s*(?<empty>/)?>`,
    '(?<text>[^<]+)',
  ].join('|'),
  'y',
);

type Open = { readonly name: string; text: string; readonly children: XmlElement[] };

/** @throws XmlError */
export function readXml(bytes: Uint8Array): XmlElement {
  const text = decode(bytes);
  const top: Open = { name: '', text: '', children: [] };
  const open = [top];
  let elements = 0;
  token.lastIndex = 0;
  for (let at = 0; at < text.length; at = token.lastIndex) {
    const found = token.exec(text);
    if (found === null) throw bad(`at ${at}`);
    const { close, name, empty, text: words } = found.groups ?? {};
    const inner = open[open.length - 1];
    if (words !== undefined) inner.text += resolveEntities(words, at);
    else if (name === undefined) continue;
    else if (close !== undefined) endElement(open, name, at);
    else {
      if (++elements > mostElements || open.length > deepest) throw bad(`at ${at}: more elements than a store answers with`);
      const element: Open = { name: name.replace(/^.*:/, ''), text: '', children: [] };
      inner.children.push(element);
      if (empty === undefined) open.push(element);
    }
  }
  if (open.length !== 1 || top.children.length !== 1 || top.text.trim() !== '') throw bad('at its end');
  return top.children[0];
}

function endElement(open: Open[], name: string, at: number): void {
  const ended = open.pop();
  if (open.length === 0 || ended?.name !== name.replace(/^.*:/, '')) throw bad(`at ${at}`);
}

/** Text of the first child of that name, without white space around it. */
export function textOf(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text.trim();
}

export function childrenOf(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

/** Text as it stands between tags. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"'\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new XmlError('xml/bad', 'Cannot read the XML: it is no UTF-8', { cause });
  }
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function resolveEntities(text: string, at: number): string {
  return text.replace(/&([^;&]{0,12}(;?))/g, (_, words: string, end: string) => {
    const word = words.slice(0, -1);
    if (end === '' || word === '') throw bad(`at ${at}: an entity without its end`);
    return Object.hasOwn(named, word) ? named[word] : numbered(word, at);
  });
}

function numbered(word: string, at: number): string {
  const [, hexadecimal, decimal] = /^#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}))$/.exec(word) ?? [];
  const code = hexadecimal === undefined ? Number.parseInt(decimal ?? '', 10) : Number.parseInt(hexadecimal, 16);
  if (Number.isNaN(code) || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) throw bad(`at ${at}: an entity nobody knows`);
  return String.fromCodePoint(code);
}

function bad(where: string): XmlError {
  return new XmlError('xml/bad', `Cannot read the XML ${where}: expected elements and text that fit together`);
}
