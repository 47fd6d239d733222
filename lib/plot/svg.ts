export type Point = readonly [x: number, y: number];

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

type Attributes = Readonly<Record<string, string | number | undefined>>;

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text that is safe in XML content and attributes; characters that XML forbids are dropped. */
export function escapeXml(text: string): string {
  // eslint-disable-next-line no-control-regex
  const legal = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '');
  return legal.replace(/[&<>"]/g, (character) => entities[character]!);
}

/** A coordinate with at most two decimals. */
export function num(value: number): string {
  return String(Math.round(value * 100) / 100 + 0);
}

/** One element; undefined attributes are left out, numbers are rounded, children are joined unescaped. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  let tag = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) tag += ` ${key}="${typeof value === 'number' ? num(value) : escapeXml(value)}"`;
  }
  return children.length === 0 ? `${tag}/>` : `${tag}>${children.join('')}</${name}>`;
}

export function group(attributes: Attributes, children: readonly string[]): string {
  // Joined here: a call takes no hundred thousand arguments.
  return children.length === 0 ? '' : element('g', attributes, children.join(''));
}

export function text(content: string, [x, y]: Point, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escapeXml(content));
}

/** Text centred on a point and rotated by degrees. */
export function rotatedText(
  content: string,
  [x, y]: Point,
  degrees: number,
  attributes: Attributes = {},
): string {
  const transform = `translate(${num(x)},${num(y)}) rotate(${num(degrees)})`;
  return element('text', { transform, 'text-anchor': 'middle', ...attributes }, escapeXml(content));
}

/** Path data through points. */
export function pathData(points: readonly Point[], isClosed = false): string {
  const data = points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${num(x)},${num(y)}`).join('');
  return isClosed && data !== '' ? `${data}Z` : data;
}

export function segment(from: Point, to: Point): string {
  return pathData([from, to]);
}

export function rectangle({ left, top, right, bottom }: Box, attributes: Attributes): string {
  return element('rect', { x: left, y: top, width: right - left, height: bottom - top, ...attributes });
}

export function rectanglePath({ left, top, right, bottom }: Box): string {
  return `M${num(left)},${num(top)}H${num(right)}V${num(bottom)}H${num(left)}Z`;
}
