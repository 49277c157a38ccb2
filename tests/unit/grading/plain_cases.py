"""What checks of courses made elsewhere do to answers: by what it is about, the answer, the check, a given cell."""

CASES: dict[str, tuple[str, str, str]] = {
    "class": (
        """\
class Stack:
    "A stack."
    kind = "lifo"
    def __init__(self, items=()): self.items=list(items)
    def push(self, x): self.items.append(x)
    def pop(self):
        if not self.items: raise IndexError("empty stack")
        return self.items.pop()
    def __len__(self): return len(self.items)
    def __eq__(self, o): return isinstance(o, Stack) and self.items==o.items
    def __iter__(self): return iter(self.items)
    def __getitem__(self,i): return self.items[i]
    def __repr__(self): return f"Stack({self.items})"
    @property
    def top(self): return self.items[-1]
class Sub(Stack): pass
""",
        """\
s=Stack()
s.push(3)
assert len(s)==1
assert s.items==[3]
s.items.append(4)
assert len(s)==2
assert s.pop()==4
assert s.top==3
assert isinstance(s,Stack)
assert type(s) is Stack
assert type(s)==Stack
assert issubclass(Sub,Stack)
assert isinstance(Sub(),Stack)
assert not isinstance(s,Sub)
assert Stack([1])==Stack([1])
assert Stack([1])!=Stack([2])
assert repr(s)=="Stack([3])"
assert str(s)=="Stack([3])"
assert f"{s}"=="Stack([3])"
assert list(s)==[3]
assert s[0]==3
assert hasattr(s,"push")
assert not hasattr(s,"nope")
assert Stack.kind=="lifo"
assert Stack.__name__=="Stack"
assert s.__class__.__name__=="Stack"
assert Stack.__doc__=="A stack."
assert callable(s.push)
assert not callable(s)
s.x=5
assert s.x==5
assert "x" in s.__dict__
assert vars(s)["x"]==5
assert 3 in s
""",
        "",
    ),
    "raises": (
        """\
class Stack:
    "A stack."
    kind = "lifo"
    def __init__(self, items=()): self.items=list(items)
    def push(self, x): self.items.append(x)
    def pop(self):
        if not self.items: raise IndexError("empty stack")
        return self.items.pop()
    def __len__(self): return len(self.items)
    def __eq__(self, o): return isinstance(o, Stack) and self.items==o.items
    def __iter__(self): return iter(self.items)
    def __getitem__(self,i): return self.items[i]
    def __repr__(self): return f"Stack({self.items})"
    @property
    def top(self): return self.items[-1]
class Sub(Stack): pass
""",
        """\
try:
    Stack().pop()
except IndexError as e:
    assert str(e)=="empty stack"
else:
    assert False
""",
        "",
    ),
    "raises2": (
        """\
def f(x):
    if x<0: raise ValueError("neg")
    return x
""",
        """\
try:
    f(-1)
    assert False
except ValueError: pass
import unittest
tc=unittest.TestCase()
tc.assertRaises(ValueError,f,-1)
with tc.assertRaisesRegex(ValueError,"neg"): f(-2)
from pytest import raises
with raises(ValueError): f(-1)
""",
        "",
    ),
    "herexc": (
        """\
class MyError(Exception):
    def __init__(self,c):
        super().__init__("code",c); self.c=c
def f(): raise MyError(4)
""",
        """\
try:
    f()
except MyError as e:
    assert e.c==4
    assert e.args==("code",4)
assert issubclass(MyError,Exception)
""",
        "",
    ),
    "mutate": (
        """\
def f(xs): xs.append(1)
def g(xs): xs.sort(); return xs
def h(m): m[0][0]=9
""",
        """\
a=[]
f(a)
assert a==[1]
b=[3,1]
assert g(b) is b
assert b==[1,3]
m=[[1],[2]]
h(m)
assert m==[[9],[2]]
assert m[0][0]==9
""",
        "",
    ),
    "mutnp": (
        """\
import numpy as np
def f(a): a[0]=5
def g(df): df["z"]=df["a"]*2
""",
        """\
import numpy as np, pandas as pd
a=np.zeros(3)
f(a)
assert a[0]==5
d=pd.DataFrame({"a":[1,2]})
g(d)
assert list(d.columns)==["a","z"]
assert d.z.sum()==6
""",
        "",
    ),
    "callback": (
        """\
def m(f,xs): return [f(x) for x in xs]
def deco(f):
    def w(*a): return f(*a)+1
    return w
""",
        """\
assert m(lambda x:x*2,[1,2])==[2,4]
def sq(x): return x*x
assert m(sq,[3])==[9]
assert deco(sq)(3)==10
assert m(str,[3])==["3"]
assert m(len,[[1]])==[1]
@deco
def k(x): return x
assert k(1)==2
""",
        "",
    ),
    "callbackraise": (
        """\
def t(f):
    try: return f()
    except ValueError as e: return "caught"+str(e)
""",
        """\
def b(): raise ValueError("x")
assert t(b)=="caughtx"
""",
        "",
    ),
    "print": (
        """\
def f(): print("hi")
""",
        'import io,contextlib\nb=io.StringIO()\nwith contextlib.redirect_stdout(b): f()\nassert b.getvalue()=="hi\\n"',
        "",
    ),
    "printmock": (
        """\
def f(): print("hi", 3)
""",
        """\
from unittest.mock import patch
with patch("builtins.print") as p:
    f()
p.assert_called_with("hi",3)
""",
        "",
    ),
    "input": (
        """\
def f(): return int(input("n?"))+1
""",
        'from unittest.mock import patch\nwith patch("builtins.input",return_value="4"):\n    assert f()==5\nimport io,sys\nsys.stdin=io.StringIO("7\\n8\\n")\nassert f()==8\nassert f()==9',
        "",
    ),
    "globals": (
        """\
x=3
y=4
""",
        """\
assert "x" in globals()
assert "zz" not in globals()
assert globals()["x"]==3
assert "y" in dir()
assert "x" in locals()
assert "x" in vars()
try:
    zz
    assert False
except NameError: pass
""",
        "",
    ),
    "setglobal": (
        """\
x=3
def f(): return x+1
""",
        """\
x=10
assert f()==11
""",
        "",
    ),
    "gen": (
        """\
def g(n):
    for i in range(n): yield i
""",
        """\
assert list(g(3))==[0,1,2]
it=g(2)
assert next(it)==0
import types
assert isinstance(g(1),types.GeneratorType)
import inspect
assert inspect.isgenerator(g(1))
assert inspect.isfunction(g)
assert callable(g)
""",
        "",
    ),
    "inspect": (
        """\
def f(a,b=2):
    "doc"
    return a
""",
        """\
import inspect
s=inspect.signature(f)
assert list(s.parameters)==["a","b"]
assert f.__name__=="f"
assert f.__doc__=="doc"
assert f.__code__.co_argcount==2
assert f.__defaults__==(2,)
""",
        "",
    ),
    "numpy": (
        """\
import numpy as np
X=np.arange(6).reshape(2,3)
""",
        """\
assert np.allclose(X.sum(axis=0),[3,5,7])
np.testing.assert_array_equal(X[0],[0,1,2])
assert X.shape==(2,3)
assert isinstance(X,np.ndarray)
assert X.dtype==np.int64
""",
        "",
    ),
    "pandas": (
        """\
import pandas as pd
df=pd.DataFrame({"a":[1,2],"b":["x","y"]})
""",
        """\
assert df.shape==(2,2)
pd.testing.assert_frame_equal(df,pd.DataFrame({"a":[1,2],"b":["x","y"]}))
assert isinstance(df,pd.DataFrame)
assert df.equals(pd.DataFrame({"a":[1,2],"b":["x","y"]}))
assert df.a.dtype=="int64"
""",
        "",
    ),
    "namedtuple": (
        """\
from collections import namedtuple
P=namedtuple("P","x y")
p=P(1,2)
""",
        """\
assert p.x==1
assert p==(1,2)
assert p==P(1,2)
assert isinstance(p,tuple)
assert P._fields==("x","y")
x,y=p
assert y==2
""",
        "",
    ),
    "colls": (
        """\
from collections import *
from fractions import Fraction
c=Counter("aab")
o=OrderedDict(a=1)
d=defaultdict(list)
d["k"].append(1)
q=deque([1,2],maxlen=3)
f=Fraction(1,3)
k={"a":1}.keys()
""",
        """\
assert c["a"]==2
assert c["zz"]==0
assert type(c).__name__=="Counter"
assert o==OrderedDict(a=1)
assert d=={"k":[1]}
assert q[0]==1
assert q.maxlen==3
assert f*3==1
assert list(k)==["a"]
assert c.most_common(1)==[("a",2)]
""",
        "",
    ),
    "dataclass": (
        """\
from dataclasses import dataclass
@dataclass
class P:
    x:int
    y:int=0
""",
        """\
assert P(1,2)==P(1,2)
assert P(1).y==0
import dataclasses
assert dataclasses.is_dataclass(P)
""",
        "",
    ),
    "enum": (
        """\
from enum import Enum
class C(Enum):
    RED=1
    BLUE=2
class D:
    c=C.RED
""",
        """\
assert C.RED.value==1
assert C.RED.name=="RED"
assert D.c==C.RED
assert D.c is C.RED
assert len(C)==2
assert [c.name for c in C]==["RED","BLUE"]
assert C(1) is C.RED
assert C["RED"].value==1
""",
        "",
    ),
    "ctx": (
        """\
class T:
    log=[]
    def __enter__(self): self.log.append("in"); return self
    def __exit__(self,*a): self.log.append("out"); return True
""",
        """\
with T() as t:
    raise ValueError("x")
assert T.log==["in","out"]
""",
        "",
    ),
    "iterp": (
        """\
class R:
    def __init__(s,n): s.n=n
    def __iter__(s):
        return iter(range(s.n))
class I:
    def __init__(s): s.i=0
    def __iter__(s): return s
    def __next__(s):
        s.i+=1
        if s.i>3: raise StopIteration
        return s.i
""",
        """\
assert list(R(3))==[0,1,2]
assert sum(I())==6
from collections.abc import Iterable,Iterator
assert isinstance(R(1),Iterable)
assert isinstance(I(),Iterator)
assert not isinstance(R(1),Iterator)
""",
        "",
    ),
    "arith": (
        """\
class V:
    def __init__(s,x): s.x=x
    def __add__(s,o): return V(s.x+o.x)
    def __mul__(s,k): return V(s.x*k)
    def __rmul__(s,k): return s*k
    def __eq__(s,o): return s.x==o.x
    def __lt__(s,o): return s.x<o.x
    def __bool__(s): return s.x!=0
    def __hash__(s): return hash(s.x)
    def __call__(s,y): return s.x+y
""",
        """\
assert (V(1)+V(2)).x==3
assert (2*V(3)).x==6
assert V(1)<V(2)
assert sorted([V(3),V(1)])[0].x==1
assert not V(0)
assert bool(V(1))
assert len({V(1),V(1)})==1
assert V(1)(2)==3
assert V(1)+V(2)==V(3)
""",
        "",
    ),
    "mylist": (
        """\
class L(list):
    def total(self): return sum(self)
    def __eq__(s,o): return list.__eq__(s,o)
    __hash__=None
""",
        """\
l=L([1,2])
assert l.total()==3
assert l==[1,2]
assert isinstance(l,list)
l.append(3)
assert l.total()==6
assert len(l)==3
""",
        "",
    ),
    "deepcopy": (
        """\
class N:
    def __init__(s): s.v=[1]
""",
        """\
import copy
a=N()
b=copy.deepcopy(a)
b.v.append(2)
assert a.v==[1]
assert b.v==[1,2]
assert a is not b
""",
        "",
    ),
    "super": (
        """\
class A:
    def f(s): return 1
class B(A):
    def f(s): return super().f()+1
""",
        """\
assert B().f()==2
assert B.__bases__==(A,)
assert A.f(B())==1
assert B.__mro__[1] is A
assert B.f is not A.f
assert "f" in B.__dict__
assert hasattr(A,"f")
""",
        "",
    ),
    "helper": (
        """\
def f(x): return x*2
""",
        """\
check(f,2,4)
""",
        """\
def check(fn,x,y):
    assert fn(x)==y
""",
    ),
    "shadow": (
        """\
def sum(a,b): return a+b
""",
        """\
assert sum(1,2)==3
""",
        "",
    ),
    "static": (
        """\
class A:
    n=0
    @staticmethod
    def s(x): return x
    @classmethod
    def c(cls): cls.n+=1; return cls()
    @property
    def p(self): return 1
    @p.setter
    def p(self,v): raise AttributeError("no")
""",
        """\
assert A.s(1)==1
a=A.c()
assert isinstance(a,A)
assert A.n==1
assert a.p==1
try:
    a.p=2
    assert False
except AttributeError: pass
""",
        "",
    ),
    "cyclic": (
        """\
class N:
    def __init__(s,v,n=None): s.v=v; s.next=n
h=N(1,N(2))
""",
        """\
assert h.next.v==2
assert h.next.next is None
n=h
c=0
while n:
    c+=1
    n=n.next
assert c==2
assert h.next is h.next
""",
        "",
    ),
    "seed": (
        """\
import random
import numpy as np
def f(): return random.random()
def g(): return np.random.rand()
""",
        """\
import random, numpy as np
random.seed(1)
a=f()
random.seed(1)
assert f()==a
np.random.seed(3)
a=g()
np.random.seed(3)
assert g()==a
random.seed(2)
assert random.random()!=f()
""",
        "",
    ),
    "rng": (
        """\
import numpy as np
def f(rng): return rng.integers(10,size=3)
""",
        """\
import numpy as np
r=np.random.default_rng(1)
r2=np.random.default_rng(1)
assert (f(r)==r2.integers(10,size=3)).all()
""",
        "",
    ),
    "time": (
        """\
def slow(): return 1
""",
        """\
import time
t=time.time()
slow()
assert time.time()-t<2
""",
        "",
    ),
    "unit": (
        """\
def f(x): return x+1
""",
        """\
import unittest
class T(unittest.TestCase):
    def test_a(self): self.assertEqual(f(1),2)
r=unittest.TextTestRunner(stream=__import__("io").StringIO()).run(unittest.defaultTestLoader.loadTestsFromTestCase(T))
assert r.wasSuccessful()
""",
        "",
    ),
    "iterarg": (
        """\
def f(it): return [x for x in it]
""",
        """\
assert f(iter([1,2]))==[1,2]
assert f(x for x in range(2))==[0,1]
assert f(map(str,[1]))==["1"]
assert f({1:2}.keys())==[1]
assert f(zip([1],[2]))==[(1,2)]
assert f(enumerate("a"))==[(0,"a")]
""",
        "",
    ),
    "strio": (
        """\
def f(fh): return fh.read().upper()
""",
        """\
import io
assert f(io.StringIO("abc"))=="ABC"
""",
        "",
    ),
}
