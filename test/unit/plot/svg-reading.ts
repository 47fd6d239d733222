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
