// Measures our engine beside a bare libtorch loop, a plain PyTorch loop, PyHessian and other programs.
//   npm run bench                                  all cases, all tools that are there
//   npm run bench -- --list                        the names of the cases and tools
//   npm run bench -- lenet-256-hvp resnet20-128    these cases (a name, or how names begin)
//   npm run bench -- --protocol                    the protocol in one table; or some parts: --protocol G1 A4
//   … --protocol --without-counts                  without those parts that count products
//   … --tools ours,bare --rounds 5 --repetitions 10 --threads 1 --retries 0
//   npm run bench -- --device cuda                 on a GPU: with CUDA graphs too, without the bare loop
//   … --grid 41                                  points along each axis of the whole surfaces
//   … --json [--json=FILE]   --markdown FILE
//   … --setup-python                               first makes the Python of the peers
import { writeFileSync } from 'node:fs';
import { runMain } from '../scripts/console.mjs';
import { interruptible } from '../scripts/run-command.mjs';
import { builtLibtorch } from './bare.mjs';
import { unitNames } from './cases.mjs';
import { writeMarkdown } from './document.mjs';
import { parse, toSettings } from './options.mjs';
import { protocolTable, protocolVerdicts } from './protocol-report.mjs';
import { setupBenchPython } from './python.mjs';
import { caseTable, toJson, toMarkdown, toText } from './report.mjs';
import { runAll } from './session.mjs';
import { toolNames, toolTitles } from './tools.mjs';

await runMain(async () => {
  const parsed = parse();
  const { values } = parsed;
  const settings = toSettings(parsed);
  if (values.list) {
    for (const { rows } of settings.parts ?? []) {
      for (const { name, what } of rows) console.log(`${name.padEnd(22)} ${what}`);
    }
    for (const { name, work, target } of settings.parts ? [] : settings.cases) {
      const aim = target === null ? '' : `, at most ${target.atMost} × ${toolTitles[target.rival]}`;
      console.log(`${name.padEnd(22)} ${unitNames[work]}${aim}`);
    }
    console.log(`tools: ${toolNames.map((name) => `${name} (${toolTitles[name]})`).join(', ')}`);
    return 0;
  }
  return interruptible(async (signal) => {
    if (values['setup-python']) await setupBenchPython(builtLibtorch().version, signal);
    const run = await runAll(settings, signal);
    const { parts } = settings;
    const table = parts ? protocolTable(parts, run) : caseTable(run);
    const json = toJson(run, parts ? protocolVerdicts(parts, run) : []);
    console.log(values.json ? json : toText(run, table));
    if (values['json-file'] !== undefined) writeFileSync(values['json-file'], `${json}\n`);
    if (values.markdown !== undefined)
      writeMarkdown(values.markdown, parts ? 'protocol' : 'results', toMarkdown(run, table));
    const failed = run.cases.some(({ outcomes }) =>
      Object.values(outcomes).some(({ failure }) => failure !== null),
    );
    return failed ? 1 : 0;
  });
});
