package daemon

import "testing"

func TestDescriptorsAreShared(t *testing.T) {
	for limit, want := range map[int]struct{ probes, clients, page int }{
		16: {4, 4, 2}, 64: {16, 16, 8}, 128: {32, 32, 16}, 256: {64, 64, 32}, 257: {64, 64, 32}, 512: {256, 64, 64},
		1024: {704, 64, 128}, 4096: {3648, 64, 256}, 1 << 20: {1<<20 - 448, 64, 256},
	} {
		if n := pageShare(limit); n != want.page {
			t.Errorf("of %d the status page may use %d, want %d", limit, n, want.page)
		}
		if rest := limit - want.probes - want.clients - want.page; rest < limit/4 && rest < 128 {
			t.Errorf("of %d only %d are left for messages and the journal", limit, rest)
		}
		if n := probeShare(limit); n != want.probes {
			t.Errorf("of %d probes may use %d, want %d", limit, n, want.probes)
		}
		if n := clientShare(limit); n != want.clients {
			t.Errorf("of %d clients may use %d, want %d", limit, n, want.clients)
		}
	}
	for _, test := range []struct{ configured, descriptors, want int }{
		{512, 0, 512}, {512, 832, 416}, {512, 65344, 512}, {512, 16, 8}, {4, 16, 4}, {512, 1, 1},
	} {
		if n := probesAtOnce(test.configured, test.descriptors); n != test.want {
			t.Errorf("of %d probes at once %d have a descriptor each time, want %d: %+v", test.configured, n, test.want, test)
		}
	}
	if n := probeDescriptors(); n <= 0 {
		t.Errorf("of this process probes may use %d", n)
	}
	if n := clientPlaces(); n <= 0 {
		t.Errorf("of this process clients may use %d", n)
	}
}
