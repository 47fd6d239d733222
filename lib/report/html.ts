import { escapeXml } from '../plot/svg.js';

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

const voids = new Set(['meta', 'input', 'br']);

/** Text that is safe in HTML content and attributes. */
export const escapeHtml = escapeXml;

/** One element; false and undefined attributes are left out, true ones have no value; children are joined unescaped. */
export function tag(name: string, attributes: Attributes, ...children: readonly string[]): string {
  let start = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) start += ` ${key}`;
    else if (value !== undefined && value !== false) start += ` ${key}="${escapeHtml(String(value))}"`;
  }
  return voids.has(name) ? `${start}>` : `${start}>${children.join('')}</${name}>`;
}

/** An element around plain text. */
export function textTag(name: string, content: string, attributes: Attributes = {}): string {
  return tag(name, attributes, escapeHtml(content));
}

/** Text for a script element of JSON: what could end it or begin a comment in HTML is escaped. */
export function scriptJson(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}
