import { judgeStack } from '../../../../cli/target/stack-state.ts';

test.each([
  ['CREATE_COMPLETE', 'ok', undefined],
  ['UPDATE_COMPLETE', 'ok', undefined],
  ['IMPORT_COMPLETE', 'ok', undefined],
  [undefined, 'ok', undefined],
  ['UPDATE_IN_PROGRESS', 'warning', /^wait until/],
  ['CREATE_IN_PROGRESS', 'warning', /^wait until/],
  ['UPDATE_COMPLETE_CLEANUP_IN_PROGRESS', 'warning', /^wait until/],
  ['UPDATE_ROLLBACK_IN_PROGRESS', 'warning', /^wait until/],
  ['UPDATE_ROLLBACK_COMPLETE', 'warning', /^its last deploy was undone.*deploy again$/],
  ['UPDATE_ROLLBACK_FAILED', 'wrong', /^continue its rollback/],
  ['ROLLBACK_COMPLETE', 'wrong', /^delete it, and deploy again/],
  ['ROLLBACK_IN_PROGRESS', 'wrong', /^delete it, and deploy again/],
  ['CREATE_FAILED', 'wrong', /^delete it, and deploy again/],
  ['REVIEW_IN_PROGRESS', 'wrong', /^delete it, and deploy again/],
  ['DELETE_IN_PROGRESS', 'wrong', /^it is being deleted/],
  ['DELETE_FAILED', 'wrong', /^it is being deleted/],
])('a stack in the status %s is %s', (state, level, fix) => {
  const judged = judgeStack(state);
  expect(judged.level).toBe(level);
  if (fix === undefined) expect(judged.fix).toBeUndefined();
  else expect(judged.fix).toMatch(fix);
});
