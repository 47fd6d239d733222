// Two interleaved spirals, one a class: points of two inputs.
import { dataset } from '../../dist/index.js';

/** Uniform numbers in [0, 1) of a seed (mulberry32). */
function uniformNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Samples spread evenly along both arms, with Gaussian noise. */
export function spirals(numSamples, seed, name) {
  const uniform = uniformNumbers(seed);
  const noise = () => 0.035 * Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const inputs = new Float32Array(2 * numSamples);
  const targets = [];
  for (let i = 0; i < numSamples; i++) {
    const label = i % 2;
    const radius = 0.15 + 0.85 * Math.sqrt(uniform());
    const angle = 1.1 * 2 * Math.PI * radius + label * Math.PI;
    inputs[2 * i] = radius * Math.cos(angle) + noise();
    inputs[2 * i + 1] = radius * Math.sin(angle) + noise();
    targets.push(label);
  }
  return dataset({ inputs: { data: inputs, shape: [numSamples, 2] }, targets }, { name });
}
