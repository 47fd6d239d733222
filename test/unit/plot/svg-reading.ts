/** What the tests read from a figure: it is our own SVG, so patterns do. */

/** The markup of the first group or element with this class. */
export function part(svg: string, className: string): string {
  const start = svg.search(new RegExp(`<\\w+[^>]* class="${className}"|<\\w+ class="${className}"`));
  if (start < 0) return '';
  const name = /^<(\w+)/.exec(svg.slice(start))![1]!;
  const tags = new RegExp(`<${name}[ >][^>]*?(/?)>|</${name}>`, 'g');
  tags.lastIndex = start;
  let depth = 0;
  for (let match = tags.exec(svg); match !== null; match = tags.exec(svg)) {
    if (match[0].startsWith('</')) depth--;
    else if (match[1] !== '/') depth++;
    if (depth === 0) return svg.slice(start, tags.lastIndex);
  }
  return svg.slice(start);
}

export function texts(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]!);
}

export function count(svg: string, pattern: RegExp | string): number {
  return svg.split(pattern).length - 1;
}

export const hasBadNumber = (svg: string): boolean =>
  /="[^"]*(?:NaN|Infinity|undefined|null)/.test(svg.replace(/aria-label="[^"]*"/g, ''));

export function circles(svg: string): [number, number][] {
  return [...svg.matchAll(/<circle cx="([^"]+)" cy="([^"]+)"/g)].map((match) => [
    Number(match[1]),
    Number(match[2]),
  ]);
}

/** The frame of the first axes. */
export function frameOf(svg: string): { x: number; y: number; width: number; height: number } {
  const frame = part(svg, 'frame');
  const side = (name: string) => Number(new RegExp(` ${name}="([^"]+)"`).exec(frame)![1]);
  return { x: side('x'), y: side('y'), width: side('width'), height: side('height') };
}

export function size(svg: string): [number, number] {
  const [, width, height] = / width="([\d.]+)" height="([\d.]+)"/.exec(svg)!;
  return [Number(width), Number(height)];
}

export function duplicateIds(svg: string): string[] {
  const ids = [...svg.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]!);
  return ids.filter((id, i) => ids.indexOf(id) !== i);
}
