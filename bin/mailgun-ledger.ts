#!/usr/bin/env node
require('./check-node.ts');
import('../cli/main.ts');
