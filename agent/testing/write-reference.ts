/** Makes the tables of docs/configuration.md anew: `bun agent/testing/write-reference.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { renewTables } from '../config/reference.ts';

const path = 'docs/configuration.md';
writeFileSync(path, renewTables(readFileSync(path, 'utf8')));
