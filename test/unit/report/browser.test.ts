import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';

import { formatNumber } from '../../../dist/plot/number-format.js';
import { reportHtml } from '../../../dist/report/report.js';
import type { LossSurface } from '../../../dist/results.js';
import { chromiumPath, launch, openHtml, type OpenedPage } from '../../support/browser.js';
import { resultSamples } from '../io/result-samples.js';
import { bowl, exploded, provenance, solution, surfaceOf } from '../plot/results.js';
import { hasBadNumber } from '../plot/svg-reading.js';

/** Two surfaces that are not alike, one with holes, accuracy and a solution. */
const steep: LossSurface = {
  ...surfaceOf(21, 15, (x, y) => Math.exp(5 * Math.hypot(x, y) + x)),
  accuracy: surfaceOf(21, 15, (x) => Math.abs(x)).loss,
  explosion: exploded,
  solutions: [solution('found', 0.2, 0.2)],
};
const holed = surfaceOf(31, 31, (x, y) => (Math.hypot(x - 0.5, y) < 0.2 ? NaN : 1 + x * x + y));

const canvas = (i = 0) => `document.querySelectorAll('.stage canvas')[${i}]`;

/** What the canvas shows; equal texts are equal pictures. */
const picture = (page: Page, i = 0) => page.evaluate<string>(`${canvas(i)}.toDataURL()`);

/** The first frame comes when the browser has time for it. An empty picture takes a few kilobytes. */
async function untilDrawn(page: Page, i: number): Promise<void> {
  while ((await picture(page, i)).length < 20_000) await page.waitForTimeout(20);
}

/** Waits until all has been drawn that was asked for. */
async function settle(page: Page): Promise<void> {
  await page.evaluate('new Promise((done) => setTimeout(done, 250))');
}

const readout = (page: Page, i = 0) => page.locator('.readout').nth(i).textContent();

async function middle(page: Page, i = 0): Promise<[number, number]> {
  const box = (await page.locator('.stage').nth(i).boundingBox())!;
  return [box.x + box.width / 2, box.y + box.height / 2];
}

describe('report in a browser', function () {
  this.timeout(60_000);
  let browser: Browser;
  let opened: OpenedPage | undefined;

  before(async function () {
    if (chromiumPath === undefined) {
      console.log('      skipped: no Chromium here (LOSSATLAS_CHROMIUM names one)');
      this.skip();
    }
    browser = await launch();
  });
  after(async () => {
    if (chromiumPath !== undefined) await browser.close();
  });
  afterEach(async () => {
    await opened?.close();
    opened = undefined;
  });

  /** Opens a report; nothing may go wrong in it until the test ends. */
  async function open(html: string, options: Parameters<typeof openHtml>[2] = {}): Promise<Page> {
    opened = await openHtml(browser, html, options);
    return opened.page;
  }

  const noProblems = () => expect(opened!.problems).to.deep.equal([]);

  it('shows two surfaces, quickly and without the network', async () => {
    const page = await open(reportHtml([bowl(51), holed]));
    // Half a second on an idle machine; tests do not measure.
    expect(opened!.openMs).to.be.below(10_000);
    // Colours of the surface on both, and not only those of one.
    for (const i of [0, 1]) {
      await untilDrawn(page, i);
      const colors = await page.evaluate<number>(`(() => {
        const { width, height } = ${canvas(i)};
        const { data } = ${canvas(i)}.getContext('2d').getImageData(0, 0, width, height);
        const seen = new Set();
        for (let k = 0; k < data.length; k += 4) if (data[k + 3] === 255) seen.add(data[k] << 16 | data[k + 1] << 8 | data[k + 2]);
        return seen.size;
      })()`);
      expect(colors).to.be.above(300);
    }
    expect(await page.locator('.stage').nth(0).innerHTML())
      .to.include('axis-z')
      .and.to.include('floor-contours');
    expect(hasBadNumber(await page.locator('.stage').nth(0).innerHTML())).to.equal(false);
    const hatched = page.locator('.stage').nth(1).locator('.hidden-cells');
    // Their fill is a pattern of this very picture.
    const fill = /#([^)"]+)/.exec((await hatched.getAttribute('fill'))!)![1]!;
    expect(await page.locator('.stage').nth(1).locator(`[id="${fill}"]`).count()).to.equal(1);
    expect(await page.locator('.notes').nth(1).textContent()).to.match(/^\d+ of 961 points not finite/);
    noProblems();
  });

  it('opens every kind of result', async () => {
    await open(reportHtml([...resultSamples]));
    noProblems();
  });

  it('turns by mouse, and the linked camera follows', async () => {
    const page = await open(reportHtml([bowl(21), holed]));
    const before = [await picture(page, 0), await picture(page, 1)];
    const [x, y] = await middle(page);
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 80, y + 20, { steps: 4 });
    await page.mouse.up();
    await settle(page);
    const turned = [await picture(page, 0), await picture(page, 1)];
    expect(turned[0]).not.to.equal(before[0]);
    expect(turned[1]).not.to.equal(before[1]);

    await page.getByLabel('linked cameras').uncheck();
    await page.locator('.stage').nth(0).focus();
    await page.keyboard.press('ArrowLeft');
    await settle(page);
    expect(await picture(page, 0)).not.to.equal(turned[0]);
    expect(await picture(page, 1)).to.equal(turned[1]);
    noProblems();
  });

  it('turns, zooms and goes back by keys, wheel and buttons', async () => {
    const page = await open(reportHtml([bowl(21)]));
    const first = await picture(page);
    const seen = new Set([first]);
    await page.locator('.stage').focus();
    for (const key of ['ArrowLeft', 'ArrowUp', '+', 'ArrowRight', '-', 'ArrowDown']) {
      await page.keyboard.press(key);
      await settle(page);
      seen.add(await picture(page));
    }
    // Every step but the last, which is the first view again.
    expect(seen.size).to.equal(6);
    const [x, y] = await middle(page);
    await page.mouse.move(x, y);
    await page.mouse.wheel(0, -200);
    await page.getByLabel('Turn left').click();
    await settle(page);
    expect(seen).not.to.include(await picture(page));
    await page.locator('.stage').press('0');
    await settle(page);
    expect(await picture(page)).to.equal(first);
    noProblems();
  });

  it('reads the computed values at the pointer', async () => {
    // Flat at half height, so that it is under the pointer wherever that is; two corners make the range.
    const ends = (x: number, y: number) => (Math.abs(x) === 1 && y === 1 ? 100 * x : 0);
    const flat = {
      ...surfaceOf(21, 15, (x, y) => 2 + 0.01 * x + 0.003 * y + ends(x, y)),
      accuracy: steep.accuracy,
    };
    const page = await open(reportHtml([flat]));
    const hint = await readout(page);
    const [x, y] = await middle(page);
    const texts = new Set<string>();
    for (const [dx, dy] of [
      [0, 0],
      [90, 20],
      [-120, -10],
    ] as const) {
      await page.mouse.move(x + dx, y + dy);
      await settle(page);
      const text = (await readout(page))!;
      const match = /^α = (\S+), β = (\S+): loss (\S+), accuracy, % (\S+)$/.exec(text);
      expect(match, text).not.to.equal(null);
      const [alpha, beta] = [match![1], match![2]].map((number) => Number(number!.replace('−', '-')));
      const at = (list: Float64Array, value: number) =>
        list.findIndex((item) => Math.abs(item - value) < 1e-3);
      const k = at(flat.y, beta!) * 21 + at(flat.x, alpha!);
      expect(match![3]).to.equal(formatNumber(flat.loss[k]!, 6));
      expect(match![4]).to.equal(formatNumber(100 * flat.accuracy![k]!, 6));
      texts.add(text);
    }
    expect(texts.size).to.equal(3);
    await page.mouse.move(2, 2);
    await settle(page);
    expect(await readout(page)).to.equal(hint);
    // Without a pointer: first the middle, then one step further.
    await page.locator('.stage').focus();
    await page.keyboard.press('Shift+ArrowRight');
    expect(await readout(page)).to.match(/^α = 0, β = 0: loss 2,/);
    await page.keyboard.press('Shift+ArrowRight');
    expect(await readout(page)).to.match(/^α = 0\.1, β = 0:/);
    noProblems();
  });

  it('changes value, scale, cap, colours and lines', async () => {
    const page = await open(reportHtml([steep, bowl(11)]));
    const seen = new Set([await picture(page)]);
    const axis = () => page.locator('.stage').nth(0).locator('.axis-z text').last().textContent();
    expect(await axis()).to.equal('loss (log scale)');
    const changed = async (what: string, change: () => Promise<unknown>) => {
      const { size } = seen;
      await change();
      await settle(page);
      seen.add(await picture(page));
      expect(seen.size, what).to.equal(size + 1);
    };
    await changed('scale', () => page.locator('[name=scale]').selectOption('linear'));
    expect(await axis()).to.equal('loss');
    await changed('cap', () => page.locator('[name=cap]').fill('300'));
    expect(await page.locator('.notes').nth(0).textContent()).to.match(/^loss capped at .* of 315 points/);
    expect(await page.locator('.cap-value').textContent()).not.to.equal('none');
    await changed('colours', () => page.locator('[name=colorMap]').selectOption('inferno'));
    await changed('mesh', () => page.locator('[name=mesh]').uncheck());
    await changed('drape', () => page.getByLabel('contours on the surface').check());
    await changed('value', () => page.locator('[name=value]').selectOption('accuracy'));
    expect(await axis()).to.equal('accuracy, %');
    expect(await page.locator('.notes').nth(1).textContent()).to.match(/has no values of that name/);
    await page.getByLabel('contours on the floor').uncheck();
    await settle(page);
    expect(await page.locator('.floor-contours').count()).to.equal(0);
    noProblems();
  });

  it('puts all surfaces on one value scale', async () => {
    const page = await open(reportHtml([bowl(11), surfaceOf(11, 11, () => 100)]));
    const top = (i: number) =>
      page.locator('.stage').nth(i).locator('.color-bar-ticks text').last().textContent().then(Number);
    expect(await top(0)).to.be.below(10);
    await page.getByLabel('one value scale for all').check();
    await settle(page);
    expect(await top(0)).to.equal(100);
    expect(await top(1)).to.equal(100);
    noProblems();
  });

  it('fits a phone and reads a tap', async () => {
    const options = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
    const page = await open(reportHtml([steep, ...resultSamples]), options);
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(width).to.equal(360);
    await page.locator('.stage').nth(0).scrollIntoViewIfNeeded();
    const [x, y] = await middle(page);
    await page.touchscreen.tap(x, y);
    expect(await readout(page)).to.match(/^α = .*: loss /);
    noProblems();
  });

  it('is dark where the system is, and changes by its button', async () => {
    const page = await open(reportHtml([bowl(11)]), { colorScheme: 'dark' });
    const back = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const figure = () =>
      page.evaluate<string>(`getComputedStyle(document.querySelector('.drawing svg > rect')).fill`);
    const dark = [await back(), await figure()];
    await page.getByRole('button', { name: 'Dark page' }).click();
    const light = [await back(), await figure()];
    expect(light[1]).to.equal('rgb(255, 255, 255)');
    for (const i of [0, 1]) expect(brightness(light[i]!) - brightness(dark[i]!)).to.be.above(150);
    noProblems();
  });

  it('prints surfaces as figures, with everything open', async () => {
    const page = await open(reportHtml([holed]));
    await page.emulateMedia({ media: 'print' });
    await settle(page);
    expect(await page.locator('.on-paper svg .surface').isVisible()).to.equal(true);
    expect(await page.locator('.stage').isVisible()).to.equal(false);
    expect(await page.getByText('12fc').isVisible()).to.equal(true);
    expect((await page.pdf()).length).to.be.above(20_000);
    await page.emulateMedia({ media: 'screen' });
    await settle(page);
    expect(await page.getByText('12fc').isVisible()).to.equal(false);
    noProblems();
  });

  it('hands out picture, table and data', async () => {
    const page = await open(reportHtml([steep]));
    const file = async (name: string) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name, exact: true }).first().click(),
      ]);
      const chunks: Buffer[] = [];
      for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
      return { name: download.suggestedFilename(), bytes: Buffer.concat(chunks) };
    };
    const png = await file('PNG');
    expect(png.name).to.equal('Loss-surface-along-Gaussian-directions.png');
    expect(png.bytes.subarray(1, 4).toString()).to.equal('PNG');
    const json = JSON.parse((await file('Download JSON')).bytes.toString()) as { loss: number[] };
    expect(json.loss).to.deep.equal([...steep.loss]);
    await page.getByText('Values (315 points)').click();
    await page.locator('.values tbody tr').first().waitFor();
    expect(await page.locator('.values tbody tr').count()).to.equal(315);
    const lines = (await file('Download CSV')).bytes.toString().trim().split('\n');
    expect(lines[0]).to.equal('alpha,beta,loss,"accuracy, %"');
    expect(lines.slice(1).map((line) => Number(line.split(',')[2]))).to.deep.equal([...steep.loss]);
    noProblems();
  });

  it('runs nothing that hides in names', async () => {
    const name = `</script><img src=x onerror="alert(1)">`;
    const surface = {
      ...steep,
      metrics: { [name]: steep.loss },
      solutions: [solution(name, 0, 0)],
      provenance: { ...provenance, model: name },
    };
    const page = await open(reportHtml([{ result: surface, title: name }], { title: name }));
    expect(await page.title()).to.equal(name);
    await page.locator('[name=value]').selectOption(name);
    await page.getByText('Values (315 points)').click();
    await settle(page);
    expect(await page.locator('img').count()).to.equal(0);
    noProblems();
  });

  it('names what has the focus', async () => {
    const page = await open(reportHtml([bowl(11), holed]));
    const nameless = await page.evaluate<string[]>(
      `[...document.querySelectorAll('button, select, input, [tabindex]')]
        .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.[0]?.textContent.trim()))
        .map((e) => e.outerHTML)`,
    );
    expect(nameless).to.deep.equal([]);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).to.equal('Skip to the results');
    await page.locator('.stage').nth(0).focus();
    await page.keyboard.press('ArrowLeft');
    const outline = await page.evaluate(`getComputedStyle(document.activeElement).outlineStyle`);
    expect(outline).to.equal('solid');
    noProblems();
  });
});

/** 0 … 255 of `rgb(r, g, b)`. */
function brightness(color: string): number {
  return Math.max(...color.match(/\d+/g)!.map(Number));
}
