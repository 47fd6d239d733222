import type { PickleFail } from '../../io/pickle.js';

/** Twice as deep as any network's code, and far from where libtorch's parser and compiler overflow their stack. */
const maxNesting = 256;
const maxIndent = 2 * 64;

/** A string (nothing in it counts), a comment, a bracket, a separator, or what joins two expressions into a deeper one. */
const tokens =
  /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|#[^\n]*|\n[ \t]*|[[({]|[\])}]|[,:;]|\belif\b|\b(?:and|or|not|if|else|in|is|for|lambda|await)\b|->|\*\*|\/\/|[-+*/%@&|^~<>=!.]/g;

/**
 * Refuses source text of TorchScript, or a type, that libtorch's recursive parser could not take: brackets and joined
 * expressions count together, blocks by their indentation.
 */
export function requireShallow(text: string, name: string, fail: PickleFail): void {
  const tooDeep = (): never => fail(`'${name}' nests deeper than ${maxNesting}, as no model's code does`);
  if (/"""|'''/.test(text)) fail(`'${name}' has text of several lines, as no saved code does`);
  // Within each open bracket: how deep what has been joined so far may be.
  let joined = [0];
  let depth = 0;
  let elifs = 0;
  const add = (count: number) => {
    joined[joined.length - 1]! += count;
    depth += count;
    if (depth > maxNesting) tooDeep();
  };
  for (const [token] of text.matchAll(tokens)) {
    const first = token[0]!;
    if (first === '"' || first === "'" || first === '#') continue;
    if (first === '\n') {
      if (token.length - 1 > maxIndent) tooDeep();
      if (joined.length > 1) continue;
      [joined, depth] = [[0], 0];
    } else if ('[({'.includes(first)) {
      // A call or an index of what stands before is one more level around it.
      add(1);
      joined.push(0);
    } else if ('])}'.includes(first)) {
      if (joined.length > 1) depth -= joined.pop()!;
    } else if (',:;'.includes(first)) {
      depth -= joined.at(-1)!;
      joined[joined.length - 1] = 0;
    } else {
      if (token === 'elif' && ++elifs > maxNesting) tooDeep();
      add(1);
    }
  }
}
