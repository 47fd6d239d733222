export const exitCodes = { error: 1, usage: 2, problems: 3, interrupted: 130, terminated: 143 } as const;

export const exitCodeText = `
Exit codes: 0 done; 1 an error, which the message explains; 2 wrong usage or a wrong option; 3 some checkpoints had
problems, which the table lists; 130 interrupted; 143 ended by SIGTERM.`;
