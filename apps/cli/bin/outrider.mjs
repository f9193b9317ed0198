#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// `npx outrider`: hands over to the checkout's launcher, which installs what is missing and runs the program with Node 26.
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
process.argv.splice(2, 0, 'apps/cli/src/main.ts');
await import(pathToFileURL(join(root, 'scripts', 'launch.mjs')).href);
