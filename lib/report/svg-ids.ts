/** The SVG with `prefix` before its ids and their uses: a browser takes the first of equal ids, and that may be hidden. */
export function prefixIds(svg: string, prefix: string): string {
  // Texts hold no quotation marks unescaped, so that only attributes match.
  return svg
    .replace(/ id="([^"]+)"/g, ` id="${prefix}$1"`)
    .replace(/="url\(#([^")]+)\)"/g, `="url(#${prefix}$1)"`);
}
