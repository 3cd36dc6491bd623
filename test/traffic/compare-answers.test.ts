import { describe, expect, it } from 'vitest'
import { compareAnswers } from '../../src/traffic/compare-answers.ts'

describe('two answers', () => {
  it.each([
    ['nothing', { a: [1, { b: null }] }, { a: [1, { b: null }] }, []],
    ['the order of their fields', { a: 1, b: 2 }, { b: 2, a: 1 }, []],
    ['a secret that was left out', { a: 'is REDACTED now' }, { a: 'is (any)\nthing now' }, []],
    ['a value', { a: { b: [1] } }, { a: { b: [2] } }, [{ path: 'a.b[0]', before: 1, after: 2 }]],
    ['a field more', {}, { a: 1 }, [{ path: 'a', before: undefined, after: 1 }]],
    ['a field less', { a: 1 }, {}, [{ path: 'a', before: 1, after: undefined }]],
    ['their kind', { a: [] }, { a: {} }, [{ path: 'a', before: [], after: {} }]],
    ['all', 1, { a: 1 }, [{ path: '', before: 1, after: { a: 1 } }]],
  ])('differ in %s', (_what, before, after, differences) => {
    expect(compareAnswers(before, after)).toEqual(differences)
  })

  it('are compared at twenty places', () => {
    const many = Array.from({ length: 50 }, (_, index) => index)
    expect(
      compareAnswers(
        many,
        many.map((one) => one + 1),
      ),
    ).toHaveLength(20)
  })
})
