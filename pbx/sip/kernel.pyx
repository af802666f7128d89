# SPDX-License-Identifier: Apache-2.0
"""The usual message, read and written in C.

Nearly all that phones send is plain ASCII of the plainest shape, and a call reads and writes some hundred values of it.
Every function here does that shape only and gives None for all others; who called then goes the full way in Python,
which alone decides what is allowed. So a fast answer must be the very one that the full way would give.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Next
from cpython.object cimport PyObject
from libc.string cimport memchr, memcpy

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object)
    void* PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
    PyObject* PyDict_GetItemWithError(object, object)  # with str keys it has none
    ctypedef struct PyTypeObject:
        object (*tp_alloc)(object, Py_ssize_t)
    void PyTuple_SET_ITEM(object, Py_ssize_t, object)
    void Py_INCREF(object)


cdef enum:
    SOLID = 1      # printable and no separator: may stand in a parameter
    TOKEN_CHAR = 2 # RFC 3261 section 25.1
    HOST_CHAR = 4  # of hosts, addresses, ports and tokens, without the marks
    BLANK = 8

cdef unsigned char KINDS[256]


cdef void fill_kinds():
    cdef int c
    for c in range(256):
        KINDS[c] = 0
        if 0x21 <= c <= 0x7E and c not in b'"<>,;':
            KINDS[c] |= SOLID
        if 0x30 <= c <= 0x39 or 0x41 <= c <= 0x5A or 0x61 <= c <= 0x7A:
            KINDS[c] |= TOKEN_CHAR | HOST_CHAR
        if c in b"-.!%*_+`'~":
            KINDS[c] |= TOKEN_CHAR
        if c in b"[]:.-_":
            KINDS[c] |= HOST_CHAR
        if c in b" \t":
            KINDS[c] |= BLANK


fill_kinds()


cdef inline const unsigned char* ascii_of(str text):
    """The characters of a text of ASCII only; NULL for any other."""
    return <const unsigned char*>PyUnicode_DATA(text) if PyUnicode_IS_ASCII(text) else NULL


cdef inline str piece(const unsigned char* at, Py_ssize_t size):
    cdef object text = PyUnicode_New(size, 127)
    if size:
        memcpy(PyUnicode_DATA(text), at, size)
    return <str>text


cdef inline object made(cls, tuple fields):
    """A NamedTuple, without the Python function that its class is called through."""
    cdef Py_ssize_t i, size = len(fields)
    cdef object new = (<PyTypeObject*>cls).tp_alloc(cls, size)
    for i in range(size):
        Py_INCREF(fields[i])
        PyTuple_SET_ITEM(new, i, fields[i])
    return new


cdef inline bint is_digit(unsigned char c):
    return 0x30 <= c <= 0x39


def split(bytes data not None, dict keys not None, Py_ssize_t max_head, Py_ssize_t max_headers):
    """A message as (first line, headers, body, whether a header came twice).

    None where a line is folded or broken, a byte is no ASCII, or a header's name is not in `keys`.
    """
    cdef const unsigned char* start = <const unsigned char*>PyBytes_AS_STRING(data)
    cdef const unsigned char* stop = start + PyBytes_GET_SIZE(data)
    cdef const unsigned char* line = start
    cdef const unsigned char* at
    cdef const unsigned char* end
    cdef const unsigned char* colon
    cdef PyObject* found
    cdef Py_ssize_t count = 0
    cdef bint twice = False
    cdef str first = None, value
    cdef dict headers = {}
    while True:
        at, colon = line, NULL
        while at < stop and (0x20 <= at[0] < 0x7F or at[0] == 0x09):
            if colon == NULL and at[0] == 0x3A:
                colon = at
            at += 1
        if stop - at < 2 or at[0] != 0x0D or at[1] != 0x0A or at - start > max_head:
            return None
        if at == line:
            break
        if count == 0:
            first = piece(line, at - line)
        else:
            if colon == NULL or KINDS[line[0]] & BLANK or count >= max_headers:
                return None
            found = PyDict_GetItemWithError(keys, piece(line, colon - line))
            if found == NULL:
                return None
            colon += 1
            end = at
            while colon < end and KINDS[colon[0]] & BLANK:
                colon += 1
            while end > colon and KINDS[end[-1]] & BLANK:
                end -= 1
            value = piece(colon, end - colon)
            key = <object>found
            found = PyDict_GetItemWithError(headers, key)
            if found == NULL:
                headers[key] = [value]
            else:
                (<list>found).append(value)
                twice = True
        count += 1
        line = at + 2
    if count == 0:
        return None
    at += 2
    return first, headers, PyBytes_FromStringAndSize(<const char*>at, stop - at), twice


def join(str first not None, dict headers not None, dict names not None, bytes body not None):
    """The bytes of a message, Content-Length included.

    None where a name has no spelling in `names`, or a value holds a line break or what is no ASCII.
    """
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(first) + 2 + 20 + 20 + 4 + PyBytes_GET_SIZE(body)
    cdef Py_ssize_t position = 0, name_size
    cdef PyObject* key
    cdef PyObject* values
    cdef PyObject* name
    cdef bytes out
    cdef unsigned char* to
    cdef const unsigned char* text
    while PyDict_Next(headers, &position, &key, &values):
        if <str>key == "content-length":
            continue
        name = PyDict_GetItemWithError(names, <object>key)
        if name == NULL or not PyUnicode_IS_ASCII(<object>name):
            return None
        name_size = PyUnicode_GET_LENGTH(<object>name) + 4
        for value in <list>values:
            if type(value) is not str or not PyUnicode_IS_ASCII(value):
                return None
            size += name_size + PyUnicode_GET_LENGTH(value)
    if not PyUnicode_IS_ASCII(first):
        return None
    out = PyBytes_FromStringAndSize(NULL, size)
    cdef unsigned char* begin = <unsigned char*>PyBytes_AS_STRING(out)
    to = put(begin, first)
    position = 0
    while to != NULL and PyDict_Next(headers, &position, &key, &values):
        if <str>key == "content-length":
            continue
        name = PyDict_GetItemWithError(names, <object>key)
        for value in <list>values:
            to[0], to[1] = 0x0D, 0x0A
            to = put(to + 2, <str>name)
            if to == NULL:
                return None
            to[0], to[1] = 0x3A, 0x20
            to = put(to + 2, <str>value)
            if to == NULL:
                return None
    if to == NULL:
        return None
    memcpy(to, b"\r\nContent-Length: ", 18)
    to = put(to + 18, str(PyBytes_GET_SIZE(body)))
    memcpy(to, b"\r\n\r\n", 4)
    to += 4
    memcpy(to, PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body))
    to += PyBytes_GET_SIZE(body)
    return out[: to - begin]


cdef inline unsigned char* put(unsigned char* to, str text):
    """Append a text; NULL where it holds a line break."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text)
    cdef const void* data = PyUnicode_DATA(text)
    if memchr(data, 0x0A, size) != NULL or memchr(data, 0x0D, size) != NULL:
        return NULL
    memcpy(to, data, size)
    return to + size


cdef dict params_of(const unsigned char* at, const unsigned char* stop):
    """`;name=value;flag` without blanks and quotes; None for anything else."""
    cdef const unsigned char* start
    cdef const unsigned char* equals
    cdef unsigned char* lower
    cdef str name
    cdef Py_ssize_t i
    cdef dict params = {}
    while at < stop:
        if at[0] != 0x3B:
            return None
        at += 1
        start, equals = at, NULL
        while at < stop and KINDS[at[0]] & SOLID:
            if equals == NULL and at[0] == 0x3D:
                equals = at
            at += 1
        name = piece(start, (equals if equals != NULL else at) - start)
        if PyUnicode_GET_LENGTH(name) == 0:
            return None
        lower = <unsigned char*>PyUnicode_DATA(name)  # it is nobody else's yet
        for i in range(PyUnicode_GET_LENGTH(name)):
            if 0x41 <= lower[i] <= 0x5A:
                lower[i] += 0x20
        params[name] = None if equals == NULL else piece(equals + 1, at - equals - 1)
    return params


def params(str text not None):
    """Header parameters."""
    cdef const unsigned char* at = ascii_of(text)
    return None if at == NULL else params_of(at, at + PyUnicode_GET_LENGTH(text))


def name_addr(str text not None, cls):
    """`<uri>;params`, with a display name of tokens or in quotes before it."""
    cdef const unsigned char* at = ascii_of(text)
    cdef const unsigned char* stop
    cdef const unsigned char* start
    cdef str display = "", uri
    cdef dict params
    if at == NULL:
        return None
    start, stop = at, at + PyUnicode_GET_LENGTH(text)
    if at < stop and at[0] == 0x22:
        at += 1
        start = at
        while at < stop and at[0] != 0x22 and at[0] != 0x5C:
            at += 1
        if at == stop or at[0] != 0x22:
            return None
        display = piece(start, at - start)
        at += 1
        while at < stop and at[0] == 0x20:
            at += 1
    elif at < stop and KINDS[at[0]] & TOKEN_CHAR:
        while at < stop and (KINDS[at[0]] & TOKEN_CHAR or at[0] == 0x20):
            at += 1
        display = piece(start, at - start).rstrip(" ")
    if at == stop or at[0] != 0x3C:
        return None
    at += 1
    start = at
    while at < stop and 0x20 < at[0] < 0x7F and at[0] != 0x3E and at[0] != 0x3C:
        at += 1
    if at == stop or at[0] != 0x3E or at == start:
        return None
    uri = piece(start, at - start)
    params = params_of(at + 1, stop)
    return None if params is None else made(cls, (display, uri, params))


def via(str text not None, cls):
    """`SIP/2.0/UDP host:port;params`."""
    cdef const unsigned char* at = ascii_of(text)
    cdef const unsigned char* stop
    cdef const unsigned char* start
    cdef str transport, host
    cdef dict params
    cdef int number = 0
    cdef object port = None
    if at == NULL or not text.startswith("SIP/2.0/"):
        return None
    stop = at + PyUnicode_GET_LENGTH(text)
    at += 8
    start = at
    while at < stop and 0x41 <= at[0] <= 0x5A:
        at += 1
    if at == start or at == stop or at[0] != 0x20:
        return None
    transport = piece(start, at - start)
    at += 1
    start = at
    while at < stop and (0x61 <= at[0] <= 0x7A or is_digit(at[0]) or at[0] == 0x2E or at[0] == 0x2D):
        at += 1
    if at == start:
        return None
    host = piece(start, at - start)
    if at < stop and at[0] == 0x3A:
        at += 1
        start = at
        while at < stop and is_digit(at[0]):
            number = number * 10 + at[0] - 0x30
            at += 1
            if at - start > 5:
                return None
        if at == start or number > 65535:
            return None
        port = number
    params = params_of(at, stop)
    return None if params is None else made(cls, (transport, host, port, params))


def cseq(str text not None, cls):
    """`number METHOD`."""
    cdef const unsigned char* at = ascii_of(text)
    cdef const unsigned char* stop
    cdef const unsigned char* start
    cdef long long number = 0
    if at == NULL:
        return None
    start, stop = at, at + PyUnicode_GET_LENGTH(text)
    while at < stop and is_digit(at[0]) and at - start < 10:
        number = number * 10 + at[0] - 0x30
        at += 1
    if at == start or at == stop or at[0] != 0x20 or number >= 2**31:
        return None
    at += 1
    start = at
    while at < stop and KINDS[at[0]] & TOKEN_CHAR:
        at += 1
    if at == start or at != stop:
        return None
    return made(cls, (number, piece(start, at - start)))


def is_plain(str text not None):
    """Whether a parameter's value needs no quotes: a token, or a host, address or number."""
    cdef const unsigned char* at = ascii_of(text)
    cdef Py_ssize_t i
    cdef unsigned char common = TOKEN_CHAR | HOST_CHAR
    if at == NULL or PyUnicode_GET_LENGTH(text) == 0:
        return False
    for i in range(PyUnicode_GET_LENGTH(text)):
        common &= KINDS[at[i]]
    return common != 0
