import { expect } from 'chai';
import { run, type Outcome } from '../support/child.js';
import { projectPath } from '../support/fixtures.js';

function expectClean(outcome: Outcome, code = 0): void {
  expect(outcome.signal, outcome.stderr).to.equal(null);
  expect(outcome.code, outcome.stderr).to.equal(code);
}

describe('lifetime', function () {
  this.timeout(180_000);

  it('an idle addon lets the process end', async () => {
    expectClean(await run(`await setting();`, 20_000));
  });

  it('process.exit in the middle of a step', async () => {
    const outcome = await run(`
      const { operator } = await setting();
      lib.spectralDensity(operator).catch(() => {});
      setTimeout(() => process.exit(7), 300);`);
    expectClean(outcome, 7);
  });

  it('an uncaught exception in the middle of a step', async () => {
    const outcome = await run(`
      const { operator } = await setting();
      lib.spectralDensity(operator).catch(() => {});
      setTimeout(() => { throw new Error('boom'); }, 200);`);
    expectClean(outcome, 1);
    expect(outcome.stderr).to.include('boom');
  });

  it('a listener that throws null rejects the analysis and nothing else', async () => {
    const outcome = await run(`
      const { operator } = await setting();
      let caught = 'nothing';
      await lib.spectralDensity(operator, { probes: 1, steps: 4, onProgress: () => { throw null; } }).catch((e) => { caught = e; });
      const spectrum = await lib.spectralDensity(operator, { probes: 1, steps: 4 });
      console.log(caught === null && spectrum.nodes[0].length === 4);`);
    expectClean(outcome);
    expect(outcome.stdout.trim()).to.equal('true');
  });

  const workerBody = `
    const { parentPort } = process.getBuiltinModule('node:worker_threads');
    import(${JSON.stringify(projectPath('dist/index.js'))}).then(async (lib) => {
      const model = await lib.loadModel(${JSON.stringify(projectPath('examples/digits/digits.script.pt'))});
      const data = await lib.loadNpz(${JSON.stringify(projectPath('examples/digits/digits.npz'))}, { inputs: 'x_train', targets: 'y_train', scale: 1 / 16, limit: 256 });
      const loss = lib.objective(model, data);
      parentPort.postMessage('ready');
      const spectrum = await lib.spectralDensity(lib.hessian(loss), { probes: 2, steps: 30, seed: 3 });
      parentPort.postMessage(Array.from(spectrum.nodes[1]));
    });`;

  it('worker.terminate() in the middle of a step, several times', async () => {
    const outcome = await run(`
      for (let i = 0; i < 4; i++) {
        const worker = new Worker(${JSON.stringify(workerBody)}, { eval: true });
        await new Promise((resolve, reject) => { worker.once('message', resolve); worker.once('error', reject); });
        await sleep(40 * i);
        await worker.terminate();
      }
      const { operator } = await setting();
      const spectrum = await lib.spectralDensity(operator, { probes: 1, steps: 4 });
      console.log(spectrum.nodes[0].length);`);
    expectClean(outcome);
    expect(outcome.stdout.trim()).to.equal('4');
  });

  it('two workers and the main thread at once get the same numbers as one alone', async () => {
    const outcome = await run(`
      const result = () => new Promise((resolve, reject) => {
        const worker = new Worker(${JSON.stringify(workerBody)}, { eval: true });
        worker.on('message', (message) => { if (message !== 'ready') resolve(message); });
        worker.on('error', reject);
      });
      const { operator } = await setting();
      const [a, b, c] = await Promise.all([result(), result(), lib.spectralDensity(operator, { probes: 2, steps: 30, seed: 3 })]);
      const nodes = Array.from(c.nodes[1]);
      const near = (x, y) => x.length === y.length && x.every((v, i) => Math.abs(v - y[i]) < 1e-4);
      console.log(near(a, nodes), near(b, nodes));`);
    expectClean(outcome);
    expect(outcome.stdout.trim()).to.equal('true true');
  });

  it('dispose in flight: the task finishes with what it holds', async () => {
    const outcome = await run(`
      const { model, loss, operator } = await setting();
      const before = await loss.evaluate();
      const running = loss.evaluate();
      const vector = await model.theta();
      const norm = vector.norm();
      vector.dispose();
      const again = loss.evaluate();
      console.log((await running).loss === before.loss, (await norm) > 0, (await again).loss === before.loss);
      const spectrum = lib.spectralDensity(operator, { probes: 1, steps: 50 });
      await sleep(50);
      operator.dispose();
      console.log(await spectrum.then(() => 'done', (e) => e.code));
      loss.dispose(); model.dispose();
      await sleep(50);
      console.log(lib.numLiveHandles());`);
    expectClean(outcome);
    expect(outcome.stdout.trim().split('\n')).to.deep.equal(['true true true', 'ERR_DISPOSED', '0']);
  });

  it('what nobody holds is collected: 300 dropped vectors of 4 MB stay below 1 GB', async () => {
    const outcome = await run(`
      const { model } = await setting();
      const big = { inputs: { data: new Float32Array(1 << 20), shape: [4096, 1, 16, 16] }, targets: new Array(4096).fill(0) };
      let peak = 0;
      for (let i = 0; i < 300; i++) {
        await lib.objective(model, lib.dataset(big)).batches();
        peak = Math.max(peak, process.memoryUsage().rss);
      }
      console.log(peak < 1e9 ? 'ok' : peak);`);
    expectClean(outcome);
    expect(outcome.stdout.trim()).to.equal('ok');
  });

  it('1000 rounds of load, analyse, dispose end within 20 MB of round 100, V8’s reserve aside', async function () {
    // What the allocators of the process keep differs by some MB from run to run; a leak would fail every time.
    this.retries(2);
    const outcome = await run(
      `
      const { data, ...first } = await setting();
      first.operator.dispose(); first.loss.dispose(); first.model.dispose();
      const round = async () => {
        const model = await lib.loadModel(modelPath);
        const loss = lib.objective(model, data);
        const operator = lib.hessian(loss);
        const plane = await lib.randomPlane(model);
        await lib.lossSurface(loss, plane, { points: 3 });
        await lib.spectralDensity(operator, { probes: 1, steps: 3 });
        plane.dispose(); operator.dispose(); loss.dispose(); model.dispose();
      };
      // V8's reserve for young objects grows to its fixed size within 500 rounds: what it holds counts, not the reserve.
      const memory = () => {
        gc();
        const { rss, heapTotal, heapUsed } = process.memoryUsage();
        return { outside: (rss - heapTotal) / 1e6, heap: heapUsed / 1e6 };
      };
      let at100;
      for (let i = 1; i <= 1000; i++) {
        await round();
        if (i === 100) { await sleep(50); at100 = memory(); }
      }
      await sleep(50);
      const end = memory();
      console.log(JSON.stringify({
        outside: end.outside - at100.outside, heap: end.heap - at100.heap, live: lib.numLiveHandles(),
      }));`,
      170_000,
    );
    expectClean(outcome);
    const growth = JSON.parse(outcome.stdout) as { outside: number; heap: number; live: number };
    expect(growth.live).to.equal(0);
    expect(growth.heap).to.be.below(4);
    expect(growth.outside).to.be.below(20);
  });
});
