require('./check-node.ts');
import('../lib/deploy-steps/one-index.ts');
