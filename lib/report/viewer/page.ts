/** What the page does besides surfaces: light and dark, and everything open on paper. */
export function preparePage(beforePrint: () => void): void {
  const root = document.documentElement;
  const isDark = matchMedia('(prefers-color-scheme: dark)');
  const button = document.getElementById('theme');
  const show = (theme: string) => {
    root.dataset.theme = theme;
    button?.setAttribute('aria-pressed', String(theme === 'dark'));
  };
  show(isDark.matches ? 'dark' : 'light');
  isDark.addEventListener('change', () => show(isDark.matches ? 'dark' : 'light'));
  button?.addEventListener('click', () => show(root.dataset.theme === 'dark' ? 'light' : 'dark'));

  let opened: HTMLDetailsElement[] = [];
  const open = () => {
    if (opened.length > 0) return;
    opened = [...document.querySelectorAll<HTMLDetailsElement>('details:not([open]):not(.values)')];
    for (const details of opened) details.open = true;
    beforePrint();
  };
  const close = () => {
    for (const details of opened) details.open = false;
    opened = [];
  };
  addEventListener('beforeprint', open);
  addEventListener('afterprint', close);
  // Of emulated media, where no print event comes.
  matchMedia('print').addEventListener('change', ({ matches }) => (matches ? open() : close()));
}
