#!/usr/bin/env node
import module from 'node:module';

// From Node 22 on, code that was compiled once is found again; before the commands are loaded, so that theirs is too.
(module as { enableCompileCache?(): unknown }).enableCompileCache?.();
const { exitCode, main } = await import('./index.js');

// A reader that goes away (`weft ... | head`) ends the output quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCode.done);
  throw error;
});

process.exitCode = await main(process.argv.slice(2));
