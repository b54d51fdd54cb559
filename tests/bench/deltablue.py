"""An incremental solver of one-way constraints. The size is the number of problems.

The algorithm is that of Freeman-Benson, Maloney and Borning, "An Incremental Constraint Solver"
(Communications of the ACM, 1990), written from their description: a hierarchy of strengths, walkabout
strengths kept with each variable, plans extracted for edits. Two problems: a chain of equalities
and a set of projections. Many small methods that are chosen by class, and short lists.
"""
import sys

REQUIRED, STRONG, PREFERRED, MEDIUM, DEFAULT, WEAKEST = range(6)


class Contradiction(Exception):
    """Two required constraints want the same variable."""


class Variable(object):
    def __init__(self, value):
        self.value = value
        self.users = []
        self.determined_by = None
        self.walkabout = WEAKEST
        self.is_constant = True
        self.mark = 0


class Constraint(object):
    """Computes its `output` from its `inputs` where it is satisfied, that is, has an output."""

    def __init__(self, solver, strength, variables):
        self.strength = strength
        self.variables = variables
        self.output = None
        for variable in variables:
            variable.users.append(self)
        solver.add(self)

    is_edit = False
    has_value = True

    def inputs(self):
        output = self.output
        return [variable for variable in self.variables if variable is not output]

    def candidates(self):
        """The variables that a method of this constraint may set."""
        return self.variables

    def choose(self, mark):
        """Takes the weakest variable that nobody of this round has set, if it is weaker."""
        best = None
        for variable in self.candidates():
            if variable.mark != mark and (best is None or variable.walkabout > best.walkabout):
                best = variable
        if best is not None and best.walkabout > self.strength:
            self.output = best
        else:
            self.output = None

    def inputs_known(self, mark):
        for variable in self.inputs():
            if variable.mark != mark and not variable.is_constant \
                    and variable.determined_by is not None:
                return False
        return True

    def update_output(self):
        output = self.output
        weakest = self.strength
        for variable in self.candidates():
            if variable is not output and variable.walkabout > weakest:
                weakest = variable.walkabout
        output.walkabout = weakest
        output.is_constant = self.is_constant_now()
        if output.is_constant and self.has_value:
            self.execute()

    def is_constant_now(self):
        for variable in self.inputs():
            if not variable.is_constant:
                return False
        return True

    def execute(self):
        raise NotImplementedError


class Stay(Constraint):
    """The variable keeps its value."""

    def __init__(self, solver, variable, strength):
        Constraint.__init__(self, solver, strength, [variable])

    def is_constant_now(self):
        return True

    def execute(self):
        pass


class Edit(Constraint):
    """The value comes from outside."""

    is_edit = True
    has_value = False

    def __init__(self, solver, variable, strength):
        Constraint.__init__(self, solver, strength, [variable])

    def is_constant_now(self):
        return False

    def execute(self):
        pass


class Equal(Constraint):
    def __init__(self, solver, one, other, strength):
        Constraint.__init__(self, solver, strength, [one, other])

    def execute(self):
        one, other = self.variables
        if self.output is other:
            other.value = one.value
        else:
            one.value = other.value


class Project(Constraint):
    """`to = of * scale + offset`, computed either way; scale and offset are never set."""

    def __init__(self, solver, of, scale, offset, to, strength):
        self.ends = [of, to]
        Constraint.__init__(self, solver, strength, [of, scale, offset, to])

    def candidates(self):
        return self.ends

    def execute(self):
        of, scale, offset, to = self.variables
        if self.output is to:
            to.value = of.value * scale.value + offset.value
        else:
            of.value = (to.value - offset.value) // scale.value


class Solver(object):
    def __init__(self):
        self.mark = 0

    def next_mark(self):
        self.mark += 1
        return self.mark

    def add(self, constraint):
        mark = self.next_mark()
        while constraint is not None:
            constraint = self.satisfy(constraint, mark)

    def satisfy(self, constraint, mark):
        """Gives the constraint an output; returns the one that it drove out."""
        constraint.choose(mark)
        output = constraint.output
        if output is None:
            if constraint.strength == REQUIRED:
                raise Contradiction(constraint)
            return None
        for variable in constraint.inputs():
            variable.mark = mark
        driven_out = output.determined_by
        if driven_out is not None:
            driven_out.output = None
        output.determined_by = constraint
        self.propagate(constraint, mark)
        output.mark = mark
        return driven_out

    def propagate(self, constraint, mark):
        pending = [constraint]
        while pending:
            constraint = pending.pop()
            if constraint.output.mark == mark:
                raise Contradiction('a cycle')
            constraint.update_output()
            self.consumers(constraint.output, pending)

    def consumers(self, variable, found):
        determined_by = variable.determined_by
        for user in variable.users:
            if user is not determined_by and user.output is not None:
                found.append(user)

    def remove(self, constraint):
        output = constraint.output
        constraint.output = None
        for variable in constraint.variables:
            variable.users.remove(constraint)
        if output is None:
            return
        output.determined_by = None
        for candidate in self.downstream(output):
            self.add(candidate)

    def downstream(self, variable):
        """What was not satisfied behind a variable that is now free, strongest first."""
        variable.walkabout = WEAKEST
        variable.is_constant = True
        unsatisfied, pending = [], [variable]
        while pending:
            variable = pending.pop()
            for user in variable.users:
                if user.output is None:
                    unsatisfied.append(user)
                elif user is not variable.determined_by:
                    user.update_output()
                    pending.append(user.output)
        unsatisfied.sort(key=lambda constraint: constraint.strength)
        return unsatisfied

    def plan(self, edits):
        """The constraints to execute, in order, whenever a value of these edits changes."""
        mark = self.next_mark()
        plan, pending = [], [edit for edit in edits if edit.output is not None]
        while pending:
            constraint = pending.pop()
            output = constraint.output
            if output.mark != mark and constraint.inputs_known(mark):
                plan.append(constraint)
                output.mark = mark
                self.consumers(output, pending)
        return plan


def change(solver, variable, values):
    edit = Edit(solver, variable, PREFERRED)
    plan = solver.plan([edit])
    for value in values:
        variable.value = value
        for constraint in plan:
            constraint.execute()
    solver.remove(edit)


def chain(length):
    solver = Solver()
    variables = [Variable(0) for _ in xrange(length + 1)]
    for one, other in zip(variables, variables[1:]):
        Equal(solver, one, other, REQUIRED)
    Stay(solver, variables[-1], DEFAULT)
    change(solver, variables[0], range(20))
    assert variables[-1].value == 19
    return sum(variable.value for variable in variables)


def projection(count):
    solver = Solver()
    scale, offset = Variable(10), Variable(1000)
    sources, targets = [], []
    for i in xrange(count):
        source, target = Variable(i), Variable(i)
        sources.append(source)
        targets.append(target)
        Stay(solver, source, DEFAULT)
        Project(solver, source, scale, offset, target, REQUIRED)
    change(solver, sources[-1], [17])
    assert targets[-1].value == 1170
    change(solver, targets[-1], [1050])
    assert sources[-1].value == 5
    change(solver, scale, [5])
    assert [target.value for target in targets[:-1]] == [i * 5 + 1000 for i in xrange(count - 1)]
    change(solver, offset, [2000])
    assert [target.value for target in targets[:-1]] == [i * 5 + 2000 for i in xrange(count - 1)]
    return sum(target.value for target in targets)


total = 0
for _ in xrange(int(sys.argv[1])):
    total += chain(40) + projection(40)
print total
