import type { SurfaceViewer } from './surface-viewer.js';
import { initialView, turned, type ViewerView } from './view.js';

/** Degrees a pixel of dragging, a key, a button. */
const [dragSpeed, keyStep] = [0.45, 5];
const zoomStep = 1.15;

type Change = (change: (view: ViewerView) => ViewerView) => void;
type Read = (point: number | null) => void;

const turns: Readonly<Record<string, (view: ViewerView) => ViewerView>> = {
  left: (view) => turned(view, -keyStep, 0),
  right: (view) => turned(view, keyStep, 0),
  up: (view) => turned(view, 0, keyStep),
  down: (view) => turned(view, 0, -keyStep),
  in: (view) => turned(view, 0, 0, zoomStep),
  out: (view) => turned(view, 0, 0, 1 / zoomStep),
  reset: () => initialView,
};

const keys: Readonly<Record<string, string>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
  '+': 'in',
  '=': 'in',
  '-': 'out',
  _: 'out',
  '0': 'reset',
};

const steps: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

/** Turns by mouse, fingers, wheel, keys and the buttons of the viewer; reads points by hover, tap and shift + arrows. */
export function listen(viewer: SurfaceViewer, buttons: Element, change: Change, read: Read): void {
  const { stage } = viewer;
  const pointers = new Map<number, { x: number; y: number }>();

  const readAt = (event: PointerEvent) => {
    const { left, top } = stage.getBoundingClientRect();
    read(viewer.pick(event.clientX - left, event.clientY - top));
  };
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  };
  stage.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  stage.addEventListener('pointermove', (event) => {
    const last = pointers.get(event.pointerId);
    if (last === undefined) {
      if (event.pointerType === 'mouse') readAt(event);
      return;
    }
    const before = spread();
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
    const share = 1 / pointers.size;
    const zoom = before > 0 ? spread() / before : 1;
    change((view) => turned(view, -dx * dragSpeed * share, dy * dragSpeed * share, zoom));
  });
  stage.addEventListener('pointerup', (event) => {
    if (pointers.delete(event.pointerId) && event.pointerType !== 'mouse') readAt(event);
  });
  stage.addEventListener('pointercancel', (event) => pointers.delete(event.pointerId));
  stage.addEventListener('pointerleave', (event) => {
    if (event.pointerType === 'mouse' && pointers.size === 0) read(null);
  });
  stage.addEventListener(
    'wheel',
    (event) => {
      // A page that is scrolled past keeps scrolling.
      if (document.activeElement !== stage && !event.ctrlKey) return;
      event.preventDefault();
      change((view) =>
        turned(view, 0, 0, Math.exp(-Math.sign(event.deltaY) * Math.min(60, Math.abs(event.deltaY)) * 0.003)),
      );
    },
    { passive: false },
  );
  stage.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = event.shiftKey ? steps[event.key] : undefined;
    const turn = turns[keys[event.key] ?? ''];
    if (step !== undefined) read(neighbour(viewer, step));
    else if (turn !== undefined) change(turn);
    else return;
    event.preventDefault();
  });
  buttons.addEventListener('click', (event) => {
    const name = (event.target as Element).closest<HTMLElement>('[data-turn]')?.dataset.turn;
    const turn = turns[name ?? ''];
    if (turn !== undefined) change(turn);
  });
}

/** The point one step of the grid away from the marked one; the middle where none is marked. */
function neighbour(
  { surface: { x, y }, marked }: SurfaceViewer,
  [di, dj]: readonly [number, number],
): number {
  const nx = x.length;
  if (marked === null) return Math.floor(y.length / 2) * nx + Math.floor(nx / 2);
  const i = Math.max(0, Math.min(nx - 1, (marked % nx) + di));
  const j = Math.max(0, Math.min(y.length - 1, Math.floor(marked / nx) + dj));
  return j * nx + i;
}
