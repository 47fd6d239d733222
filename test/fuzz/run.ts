// npm run fuzz -- [--format torch-zip] [--count 100000] [--seed 1]
import { parseArgs } from 'node:util';
import { formats } from './formats.js';
import { fuzz } from './harness.js';

const { values } = parseArgs({
  options: {
    format: { type: 'string', multiple: true },
    count: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
  },
});
const names = formats.map(({ name }) => name);
const wanted = values.format ?? names;
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`no format is named ${unknown.join(', ')}: there are ${names.join(', ')}`);
  process.exit(1);
}
let numProblems = 0;
for (const { name, share = 100 } of formats) {
  if (!wanted.includes(name)) continue;
  const count = Math.ceil((Number(values.count) * share) / 100);
  const report = await fuzz(name, count, Number(values.seed));
  const { numRead, problems, seconds } = report;
  console.log(
    `${name.padEnd(16)}${count} files, ${numRead} read, ${problems.length} problems, ${seconds.toFixed(0)} s`,
  );
  for (const { number, problem } of problems) console.log(`  file ${number}: ${problem}`);
  numProblems += problems.length;
}
process.exitCode = numProblems === 0 ? 0 : 1;
