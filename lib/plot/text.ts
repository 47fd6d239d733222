/** Advance widths of DejaVu Sans for U+0020 to U+007E, in thousandths of the font size. */
const regular = [
  318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636,
  636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295,
  295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838,
  500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521,
  392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
];
const boldFactor = 1.13;
const others: ReadonlyMap<string, number> = new Map([
  ...Array.from('⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉', (digit) => [digit, 401] as const),
  ...Array.from('−×±≤≥∞', (sign) => [sign, 838] as const),
  ['⁻', 528],
  ['\u00a0', 318],
  ['·', 318],
  ['…', 1000],
]);
const otherWidth = 650;

export interface FittedText {
  readonly text: string;
  readonly size: number;
}

/** Width of a line of DejaVu Sans in SVG units (an estimate outside ASCII). */
export function textWidth(text: string, size: number, isBold = false): number {
  let width = 0;
  for (const character of text) {
    width += regular[character.codePointAt(0)! - 32] ?? others.get(character) ?? otherWidth;
  }
  return (width * size * (isBold ? boldFactor : 1)) / 1000;
}

/** The text at the largest size up to `size` that fits `width`; cut with … where `minSize` is too wide. */
export function fitText(
  text: string,
  width: number,
  size: number,
  minSize: number,
  isBold = false,
): FittedText {
  const needed = textWidth(text, size, isBold);
  if (needed <= width) return { text, size };
  const fitted = Math.max(minSize, (size * width) / needed);
  return { text: truncate(text, width, fitted, isBold), size: fitted };
}

/** Lines of at most `width`, broken at plain spaces (not at U+00A0); more than `maxLines` end with …. */
export function wrapText(
  text: string,
  width: number,
  size: number,
  maxLines: number,
  isBold = false,
): string[] {
  const lines: string[] = [];
  for (const word of text.split(/[ \t\n]+/).filter((part) => part !== '')) {
    const last = lines.at(-1);
    const joined = last === undefined ? word : `${last} ${word}`;
    if (last !== undefined && textWidth(joined, size, isBold) <= width) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  const kept = lines.slice(0, maxLines);
  if (lines.length > maxLines) kept[maxLines - 1] = lines.slice(maxLines - 1).join(' ');
  return kept.map((line) => truncate(line, width, size, isBold));
}

function truncate(text: string, width: number, size: number, isBold: boolean): string {
  // A hair of tolerance for sizes that were computed from the width.
  if (textWidth(text, size, isBold) <= width * 1.001) return text;
  const characters = Array.from(text);
  while (characters.length > 1 && textWidth(`${characters.join('')}…`, size, isBold) > width)
    characters.pop();
  return `${characters.join('').trimEnd()}…`;
}
