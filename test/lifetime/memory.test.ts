import { expect } from 'chai';
import {
  gaussNewton,
  hessian,
  loadModel,
  loadNpz,
  objective,
  predictMemory,
  scaled,
  type CurvatureOperator,
} from '../../dist/index.js';
import { run } from '../support/child.js';
import { rejects } from '../support/errors.js';
import { goldenData, loadFixture, projectPath, sharedFile } from '../support/fixtures.js';
import { expectNoLiveHandles } from '../support/handles.js';

/** In a child: bytes of a line of /proc/self/status. */
const readStatus = `
  const { readFileSync, writeFileSync } = await import('node:fs');
  const status = (line) =>
    Number(new RegExp(line + ':\\\\s+(\\\\d+)').exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;`;

interface Measured {
  readonly predicted: number;
  readonly measured: number;
}

/**
 * What predictMemory says of an SLQ probe, and what the process's peak grows by. The cache of the prediction is given
 * back when the compute thread has been idle for half a second.
 */
async function measureProbe(setup: string, steps: number): Promise<Measured> {
  const { code, stdout, stderr } = await run(
    `${readStatus}
    ${setup}
    const { newBytes } = await lib.predictMemory(operator, { steps: ${steps} });
    await sleep(700);
    gc();
    // The prediction's own peak does not count.
    writeFileSync('/proc/self/clear_refs', '5');
    const before = status('VmRSS');
    await lib.spectralDensity(operator, { steps: ${steps}, probes: 1 });
    console.log(JSON.stringify({ predicted: newBytes, measured: status('VmHWM') - before }));`,
    150_000,
  );
  expect(code, stderr).to.equal(0);
  return JSON.parse(stdout) as Measured;
}

function expectWithin25Percent({ predicted, measured }: Measured): void {
  const words = `${(predicted / 1e6).toFixed(1)} MB predicted, ${(measured / 1e6).toFixed(1)} MB measured`;
  expect(predicted / measured, words).to.be.within(0.75, 1.25);
}

const digits = (batchSize: number, options: string) => `
  const model = await lib.loadModel(modelPath);
  const data = await lib.loadNpz(dataPath, { inputs: 'x_train', targets: 'y_train', scale: 1 / 16 });
  const operator = lib.hessian(lib.objective(model, data, { batchSize: ${batchSize} }), ${options});`;

describe('memory', function () {
  this.timeout(180_000);

  it('of ResNet-20 on 128 images, 20 steps, is predicted within 25 % of the growth of the process', async function () {
    const images = sharedFile('cifar10/cifar10_jpeg_test_5000.bin');
    const path = sharedFile('torchscript/resnet20_cifar10.script.pt');
    if (images === null || path === null) this.skip();
    expectWithin25Percent(
      await measureProbe(
        `const model = await lib.loadModel(${JSON.stringify(path)});
        const data = await lib.loadCifar(${JSON.stringify(images)}, { limit: 128, scale: 1 / 255 });
        const operator = lib.hessian(lib.objective(model, data));`,
        20,
      ),
    );
  });

  it('of the digits in batches of 512, retained and recomputed, likewise', async () => {
    expectWithin25Percent(await measureProbe(digits(512, '{}'), 20));
    expectWithin25Percent(await measureProbe(digits(512, '{ memoryBudget: 1 }'), 20));
  });

  it('grows by at most 5 MB over 50 streamed batches whose graphs are recomputed', async () => {
    const { code, stdout, stderr } = await run(
      `${readStatus}
      const model = await lib.loadModel(modelPath);
      const data = await lib.loadNpz(dataPath, { inputs: 'x_train', targets: 'y_train', scale: 1 / 16 });
      const batchSize = Math.floor(data.numSamples / 60);
      const loss = lib.objective(model, data, { batchSize, dataPlacement: 'streamed' });
      const operator = lib.hessian(loss, { memoryBudget: 1 });
      const v = await model.randomVector('gaussian', 1);
      // The pass after the warm-up is watched from its third batch to its fifty-third.
      const readings = [];
      const batches = loss.batches.bind(loss);
      let isWatched = false;
      loss.batches = async function* () {
        for await (const batch of batches()) {
          yield batch;
          if (isWatched) { gc(); readings.push(status('VmRSS')); }
        }
      };
      for (let i = 0; i < 2; i++) (await operator.apply([v]))[0].dispose();
      isWatched = true;
      (await operator.apply([v]))[0].dispose();
      console.log(JSON.stringify({ count: readings.length, growth: readings[52] - readings[2], retained: operator.retainedBytes }));`,
      150_000,
    );
    expect(code, stderr).to.equal(0);
    const { count, growth, retained } = JSON.parse(stdout) as Record<'count' | 'growth' | 'retained', number>;
    expect(count).to.be.at.least(53);
    expect(retained).to.equal(0);
    expect(growth).to.be.at.most(5e6);
  });
});

describe('memory of checkpoints that are read together', function () {
  this.timeout(60_000);

  it('keeps what is in use, is taken again for the next one, and goes back to the system', async () => {
    const { code, stdout, stderr } = await run(
      `${readStatus}
      const { mkdtempSync, rmSync } = await import('node:fs');
      const folder = mkdtempSync((await import('node:os')).tmpdir() + '/lossatlas-');
      const values = (seed) => Float32Array.from({ length: 5e6 }, (_, i) => (i * 31 + seed) % 1009);
      const write = (name, seed) => lib.writeSafetensors(folder + '/' + name, new Map(Object.entries({
        a: { dtype: 'float32', shape: [5e6], data: values(seed) },
        half: { dtype: 'float16', shape: [3], data: Float32Array.of(1, 2, 3) },
        none: { dtype: 'float32', shape: [0], data: new Float32Array(0) },
        flags: { dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) },
        b: { dtype: 'float32', shape: [5e6], data: values(seed + 1) },
        count: { dtype: 'int64', shape: [], data: BigInt64Array.of(7n) },
      })));
      const read = async (name) => {
        const checkpoint = await lib.readCheckpoint(folder + '/' + name);
        await checkpoint.load();
        return checkpoint.stateDict();
      };
      const isRight = (tensors, seed) =>
        [['a', values(seed)], ['half', [1, 2, 3]], ['none', []], ['flags', [1, 0, 1]], ['b', values(seed + 1)], ['count', [7n]]]
          .every(([name, expected]) => {
            const { data } = tensors.get(name);
            return data.length === expected.length && data.every((value, i) => value === expected[i]);
          });
      // In functions of their own: what they held is free afterwards.
      const readAndDrop = async (name, seed) => isRight(await read(name), seed);
      const faultsOf = async (work) => {
        const before = process.resourceUsage().minorPageFault;
        await work();
        return process.resourceUsage().minorPageFault - before;
      };
      await write('one', 1);
      await write('two', 2);
      const first = await read('one');
      const isDroppedRight = await readAndDrop('two', 2);
      const second = await read('two');
      const areRight = [isDroppedRight, isRight(first, 1), isRight(second, 2)];
      for (let i = 0; i < 4; i++) { gc(); await sleep(20); await read('one'); }
      gc();
      await sleep(20);
      const faults = await faultsOf(() => read('one'));
      gc();
      await sleep(20);
      const kept = status('VmRSS');
      await sleep(1300);
      const released = status('VmRSS');
      areRight.push(isRight(first, 1), isRight(second, 2));
      rmSync(folder, { recursive: true });
      console.log(JSON.stringify({ areRight, faults, freed: kept - released, isShared: first.get('a').data.buffer === first.get('b').data.buffer }));`,
    );
    expect(code, stderr).to.equal(0);
    const { areRight, faults, freed, isShared } = JSON.parse(stdout) as {
      areRight: boolean[];
      faults: number;
      freed: number;
      isShared: boolean;
    };
    expect(areRight).to.deep.equal([true, true, true, true, true]);
    expect(isShared).to.equal(true);
    // 40 MB are 9766 small pages.
    expect(faults).to.be.below(3000);
    expect(freed).to.be.above(30e6);
  });
});

describe('predictMemory', () => {
  expectNoLiveHandles();

  /** The peak of the whole batch by the addon's own meter, in place of slices of it. */
  async function meter(operator: CurvatureOperator): Promise<number> {
    return (await operator.sampleMemory(operator.objective.batchSize, 1, true)).peakBytes;
  }

  it('goes on from slices to what the whole batch takes: Hessian and Gauss–Newton matrix of two models', async () => {
    using digitsModel = await loadModel(projectPath('examples/digits/digits.script.pt'));
    const data = await loadNpz(projectPath('examples/digits/digits.npz'), {
      inputs: 'x_train',
      targets: 'y_train',
      scale: 1 / 16,
    });
    using mlp = await loadFixture('mlp');
    using first = objective(digitsModel, data);
    using second = objective(mlp, goldenData('mlp.x', 'mlp.y'));
    for (const loss of [first, second]) {
      for (const make of [hessian, gaussNewton]) {
        using whole = make(loss, { plan: { chunk: loss.batchSize, workers: 1 } });
        const { graphBytes, productBytes, numRetained } = await predictMemory(whole);
        expect(numRetained).to.equal(1);
        const measured = await meter(whole);
        expectWithin25Percent({ predicted: graphBytes + productBytes, measured });
        // Two halves at once take about as much; they are taken to be built at once too, which they are not.
        using halves = make(loss, { plan: { chunk: Math.ceil(loss.batchSize / 2), workers: 2 } });
        const divided = await predictMemory(halves);
        expect(divided.numRetained).to.equal(2);
        expect((divided.graphBytes + divided.productBytes) / measured).to.be.within(0.75, 1.5);
      }
    }
  });

  it('adds up, and tells how many graphs the budget holds', async () => {
    using model = await loadFixture('mlp');
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'), { batchSize: 8 });
    using all = hessian(loss);
    using none = hessian(loss, { memoryBudget: 1 });
    const whole = await predictMemory(all, { steps: 10 });
    const { modelBytes, dataBytes, graphBytes, productBytes, basisBytes, vectorBytes } = whole;
    expect(whole.peakBytes).to.equal(
      modelBytes + dataBytes + graphBytes + productBytes + basisBytes + vectorBytes,
    );
    expect(basisBytes).to.equal(10 * model.size * 8);
    expect(whole.numRetained).to.equal(whole.numBatches);
    expect(whole.newBytes).to.equal(whole.peakBytes - modelBytes);
    expect(whole.summary).to.match(/^About .* at the peak: model /);
    expect(Object.isFrozen(whole)).to.equal(true);
    const { numRetained, summary, ...parts } = await predictMemory(none, { basisSize: 10 });
    expect(numRetained).to.equal(0);
    expect(parts.graphBytes).to.equal(0);
    expect(summary).to.include('recomputed');
    await loss.evaluate();
    const { newBytes, peakBytes } = await predictMemory(all, { steps: 10 });
    expect(newBytes).to.be.closeTo(peakBytes - modelBytes - dataBytes, 1);
  });

  it('refuses what it cannot know', async () => {
    using model = await loadFixture('mlp');
    using loss = objective(model, goldenData('mlp.x', 'mlp.y'));
    using operator = hessian(loss);
    expect((await predictMemory(scaled(operator, 2), { steps: 3 })).peakBytes).to.be.above(0);
    await rejects(() => predictMemory(loss as never), 'ERR_INVALID_OPTION', /operator/);
    await rejects(
      () => predictMemory(operator, { steps: 3, basisSize: 3 }),
      'ERR_INVALID_OPTION',
      /basisSize/,
    );
  });
});
