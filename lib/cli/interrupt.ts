/** Ctrl-C once ends the analysis cleanly; twice ends the process. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => {
    controller.abort(new Error('interrupted'));
  });
  return controller.signal;
}
