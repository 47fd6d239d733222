import { loadModel, loadNpz, objective, type Model, type Objective } from '../../dist/index.js';
import { projectPath } from './fixtures.js';

/** The example net with the loss on its first test images; the caller disposes of both. */
export async function digitsSetting(
  limit = 64,
): Promise<{ readonly model: Model; readonly loss: Objective }> {
  const model = await loadModel(projectPath('examples/digits/digits.script.pt'));
  const data = await loadNpz(projectPath('examples/digits/digits.npz'), {
    inputs: 'x_test',
    targets: 'y_test',
    scale: 1 / 16,
    limit,
  });
  return { model, loss: objective(model, data) };
}
