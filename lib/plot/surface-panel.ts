import { createCamera } from './camera.js';
import { drawColorBar } from './color-scale.js';
import { emptyMessage } from './figure.js';
import { isShown, outsideNotes } from './plane-frame.js';
import { boxCorners, drawBackground, drawBoxAxes } from './surface-box.js';
import { drawMesh, meshAttributes } from './surface-mesh.js';
import { drawPins } from './surface-pins.js';
import {
  drawFloorContours,
  drawHiddenFloor,
  layoutScene,
  traceScene,
  type SurfacePanel,
} from './surface-scene.js';
import { group, type Box } from './svg.js';

export type { SurfacePanel, View } from './surface-scene.js';

export interface DrawnSurface {
  readonly content: readonly string[];
  /** What labels and colour bar leave to the surface. */
  readonly frameBox: Box;
  readonly numHiddenSolutions: number;
}

/** A surface in its box with mesh, contours on the floor, pins at the solutions and colour bar, in `box`. */
export function drawSurfacePanel(box: Box, panel: SurfacePanel): DrawnSurface {
  const { drawn, frame, colorMap, view, sizes } = panel;
  const scene = layoutScene(box, panel);
  const { axes, colors, field, frameBox, barBox } = scene;
  const camera = createCamera(view.azimuth, view.elevation, boxCorners, frameBox);
  const hiddenFloor = drawHiddenFloor(scene, camera);
  const background = drawBackground(axes, camera);
  const boxLines = drawBoxAxes(axes, camera, sizes);
  if (drawn.isEmpty) {
    const message = emptyMessage(`no ${panel.noun} to draw`, box);
    return { content: [background, hiddenFloor, message, boxLines], frameBox, numHiddenSolutions: 0 };
  }
  const shown = panel.solutions.filter(({ coordinates }) =>
    isShown([coordinates[0]!, coordinates[1]!], frame),
  );
  const pins = drawPins(shown, field, axes, camera, box, sizes);
  return {
    content: [
      background,
      // The hatches cover the contours of cells in which nothing is known.
      drawFloorContours(traceScene(scene), scene, colorMap, camera),
      hiddenFloor,
      group(meshAttributes, drawMesh(field, camera, colorMap)),
      panel.hasBar ? drawColorBar(barBox, colors, colorMap, panel.label, null, sizes) : '',
      boxLines,
      pins.content,
    ],
    frameBox,
    numHiddenSolutions: pins.numHidden,
  };
}

/** Which solutions of all panels together cannot be seen, and why. */
export function pinNotes(
  panels: readonly Pick<SurfacePanel, 'solutions' | 'frame'>[],
  numHidden: number,
): string[] {
  const all = panels.flatMap(({ solutions, frame }) =>
    solutions.map(({ coordinates }) => isShown([coordinates[0]!, coordinates[1]!], frame)),
  );
  const hidden = numHidden === 0 ? [] : [`${numHidden} of ${all.length} solutions hidden by the surface`];
  return [...outsideNotes('solutions', all.filter((isInside) => !isInside).length, all.length), ...hidden];
}
