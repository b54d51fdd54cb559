"""A small interpreter: tokens, a recursive descent parser and an evaluator with closures."""


def tokens(text):
    return text.replace('(', ' ( ').replace(')', ' ) ').split()


def parse(words):
    word = words.pop(0)
    if word != '(':
        return int(word) if word.lstrip('-').isdigit() else word
    items = []
    while words[0] != ')':
        items.append(parse(words))
    words.pop(0)
    return items


def evaluate(x, env):
    if isinstance(x, str):
        return env[x]
    if not isinstance(x, list):
        return x
    if x[0] == 'if':
        return evaluate(x[2 if evaluate(x[1], env) else 3], env)
    if x[0] == 'lambda':
        return lambda *args: evaluate(x[2], dict(env, **dict(zip(x[1], args))))
    if x[0] == 'define':
        env[x[1]] = evaluate(x[2], env)
        return env[x[1]]
    parts = [evaluate(part, env) for part in x]
    return parts[0](*parts[1:])


env = {'+': lambda a, b: a + b, '-': lambda a, b: a - b, '<': lambda a, b: a < b}
recursive = '((lambda (f n) (f f n)) (lambda (f n) (if (< n 2) n (+ (f f (- n 1)) (f f (- n 2))))) 9)'
print evaluate(parse(tokens(recursive)), env), evaluate(parse(tokens('(define x (+ 1 -3))')), env)
