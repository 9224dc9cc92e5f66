/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of types that are put together, of an interface made by hand. */
#include "engine/go/rtype.h"
#include "tests/unit/tap.h"

enum {
	BASE = 0x10000,
	PTR = 8,
	FUNC = 64, /* offsets: func(), the interface, its methods */
	INTERFACE = 128,
	METHODS = 256,
};

/* abi.Type, as up to Go 1.27; NAME: offset of its name. */
static void put_type(struct gu_buf *b, size_t at, uint8_t kind, uint32_t name)
{
	gu_buf_zero(b, at - b->n);
	gu_buf_word(b, 16, PTR); /* size */
	gu_buf_zero(b, 8 + 4 + 3);
	gu_buf_u8(b, kind);
	gu_buf_zero(b, 16);
	gu_buf_word(b, name, 4);
	gu_buf_word(b, 0, 4);
}

/* The name of an interface of N methods, whose one name has LEN letters. */
static bool name_of(uint64_t n, uint32_t len, struct gu_buf *out)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) b;
	struct gu_image image = {.mem = {.ptr_size = PTR}};
	struct gu_module module = {.image = &image};
	struct gu_types types = {.module = &module, .minor = 22};
	uint32_t name = (uint32_t)(METHODS + 8 * n);
	struct gu_diag diag;
	struct gu_rtype t;
	bool fine;

	gu_buf_init(&b, false);
	put_type(&b, FUNC, GU_RKIND_FUNC, name);
	put_type(&b, INTERFACE, GU_RKIND_INTERFACE, name);
	gu_buf_word(&b, 0, PTR);
	gu_buf_word(&b, BASE + METHODS, PTR);
	gu_buf_word(&b, n, PTR);
	gu_buf_word(&b, n, PTR);
	gu_buf_zero(&b, METHODS - b.n);
	for (uint64_t i = 0; i < n; i++) {
		gu_buf_word(&b, name, 4);
		gu_buf_word(&b, FUNC, 4);
	}
	gu_buf_u8(&b, 1); /* exported */
	gu_buf_uleb(&b, len);
	for (uint32_t i = 0; i < len; i++)
		gu_buf_u8(&b, 'A');
	types.view = (struct gu_view){b.p, b.n, BASE};
	fine = is_status(gu_types_read(&types, BASE + INTERFACE, &diag, &t),
		GU_OK, &diag, "an interface") && gu_types_name(&types, &t, out);
	return fine;
}

int main(void)
{
	struct gu_buf gu_cleanup(gu_buf_deinit) name;

	gu_buf_init(&name, false);
	ok(name_of(2, 3, &name), "two methods");
	is_str(((struct gu_str){(const char *)name.p, name.n}),
		"interface { AAA(); AAA() }", "as Go has it");
	name.n = 0;
	ok(!name_of(1000, 1 << 20, &name), "1000 methods of long names");
	ok(name.n == 0 && name.cap < 16 << 20,
		"%zu bytes are not put together", name.cap);
	return tap_done();
}
