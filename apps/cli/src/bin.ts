#!/usr/bin/env node
import { exitCode, main } from './index.js';

// A reader that goes away (`weft ... | head`) ends the output quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCode.done);
  throw error;
});

process.exitCode = await main(process.argv.slice(2));
