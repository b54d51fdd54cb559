"""Importing `ast` and walking, changing and running a tree; literal_eval."""
import sys

# imported afresh, whatever the tracer has imported before; the old modules stay alive for it
kept = [sys.modules.pop(name, None) for name in 'ast collections keyword heapq'.split()]
import ast


class Double(ast.NodeTransformer):
    def visit_Num(self, node):
        return ast.copy_location(ast.Num(node.n * 2), node)

    def visit_Name(self, node):
        self.generic_visit(node)
        return node


tree = ast.parse('def f(a, b=3):\n    return [a * 2 for i in range(b) if i != 1]\nprint f(5)')
print [type(node).__name__ for node in ast.walk(tree)][:8], ast.dump(tree.body[1])
exec compile(ast.fix_missing_locations(Double().visit(tree)), '<doubled>', 'exec')
print ast.literal_eval("{'a': [1, (2, None)], 'b': -3}"), len(list(ast.iter_child_nodes(tree)))
try:
    ast.literal_eval('f()')
except ValueError, error:
    print error
