import { rangeOf } from '../../plot/field.js';
import { formatNumber } from '../../plot/number-format.js';
import { download, fileName } from './download.js';
import { listen } from './gestures.js';
import { preparePage } from './page.js';
import { describePoint } from './readout.js';
import { resultText, surfaceAt } from './results.js';
import { readSettings } from './settings.js';
import { printFigure, snapshot } from './snapshot.js';
import { SurfaceViewer } from './surface-viewer.js';
import { capOf, capScale, scaleOf, shownValues } from './values.js';
import { valuesCsv, valuesTable } from './values-table.js';
import { Views } from './view.js';

interface Entry {
  readonly figure: HTMLElement;
  readonly title: string;
  readonly viewer: SurfaceViewer;
}

const figures = [...document.querySelectorAll<HTMLElement>('figure.viewer')];
const form = document.querySelector<HTMLFormElement>('form.toolbar');
const views = new Views(figures.length, (i) => entries[i]?.viewer.redraw());
const entries: Entry[] = figures.map((figure, i) => {
  const { result, part } = figure.dataset;
  const surface = surfaceAt(Number(result), Number(part));
  const stage = figure.querySelector<HTMLElement>('.stage')!;
  const viewer = new SurfaceViewer(stage, surface, i, () => views.get(i));
  return { figure, title: figure.querySelector('figcaption')!.textContent, viewer };
});

function showAll(): void {
  if (form === null) return;
  const settings = readSettings(form);
  const surfaces = entries.map(({ viewer }) => viewer.surface);
  const caps = capScale(surfaces, settings);
  const cap = capOf(caps, settings);
  const shown = surfaces.map((surface) => shownValues(surface, settings, cap));
  const common = rangeOf(shown.flatMap((values) => values?.drawn ?? []));
  entries.forEach(({ viewer, figure }, i) => {
    const range = settings.shared ? common : (shown[i]?.drawn ?? common);
    const notes = viewer.show(shown[i] ?? null, range, settings);
    figure.querySelector('.notes')!.textContent = notes.join(' ');
  });
  form.querySelector('.cap-value')!.textContent = cap === undefined ? 'none' : formatNumber(cap, 3);
  const isShare = scaleOf(settings) !== settings.scale || settings.value === 'accuracy';
  (form.elements.namedItem('scale') as HTMLSelectElement).disabled = isShare;
  views.link(settings.linked);
}

entries.forEach(({ figure, viewer, title }, i) => {
  const readout = figure.querySelector('.readout')!;
  const hint = readout.textContent;
  const read = (point: number | null) => {
    if (point === viewer.marked) return;
    viewer.mark(point);
    readout.textContent = point === null ? hint : describePoint(viewer.surface, point);
  };
  listen(viewer, figure, (change) => views.set(i, change(views.get(i))), read);
  figure.querySelector('[data-action="png"]')!.addEventListener('click', () => {
    void snapshot(viewer, title).then((png) => download(fileName(title, 'png'), png));
  });
});

for (const details of document.querySelectorAll<HTMLDetailsElement>('details.values')) {
  const { result, part, title = '' } = details.dataset;
  details.addEventListener('toggle', () => {
    const place = details.querySelector('.table')!;
    if (details.open && place.childElementCount === 0)
      place.append(valuesTable(surfaceAt(Number(result), Number(part))));
  });
  details.querySelector('[data-action="csv"]')!.addEventListener('click', () => {
    const csv = valuesCsv(surfaceAt(Number(result), Number(part)));
    download(fileName(title, 'csv'), new Blob([csv], { type: 'text/csv' }));
  });
}

for (const button of document.querySelectorAll<HTMLElement>('[data-action="json"]')) {
  const { result, title = '' } = button.dataset;
  button.addEventListener('click', () => {
    const file = new Blob([resultText(Number(result))], { type: 'application/json' });
    download(fileName(title, 'json'), file);
  });
}

preparePage(() => {
  entries.forEach(({ figure, title, viewer }, i) => {
    figure.querySelector('.on-paper')!.innerHTML = printFigure(viewer, title, `p${i}-`);
  });
});
document.documentElement.classList.add('js');
form?.addEventListener('input', showAll);
// The cap stands for another value in another unit.
form?.addEventListener('change', ({ target }) => {
  if ((target as HTMLInputElement).name !== 'value') return;
  (form.elements.namedItem('cap') as HTMLInputElement).value = '1000';
  showAll();
});
form?.addEventListener('submit', (event) => event.preventDefault());
// Width alone: the height follows it.
let lastWidth = 0;
new ResizeObserver(() => {
  const width = document.documentElement.clientWidth;
  if (width !== lastWidth) showAll();
  lastWidth = width;
}).observe(document.documentElement);
showAll();
