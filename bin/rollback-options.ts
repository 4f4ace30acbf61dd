require('./check-node.ts');
import('../lib/deploy-steps/rollback-options.ts');
