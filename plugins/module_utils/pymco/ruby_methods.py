# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The names that neither a data function nor an aggregate function can have."""

from __future__ import annotations

_METHODS = """
Array Complex DelegateClass Digest Float Hash Integer JSON Rational String __callee__ __dir__
__id__ __method__ __send__ abort alias_method ancestors append_features at_exit attr attr_accessor
attr_reader attr_writer autoload binding caller caller_locations catch class class_eval class_exec
class_variable_get class_variable_set class_variables clone const_get const_missing const_set
const_source_location constants ddl ddl_transform_input ddl_validate define_method
define_singleton_method deprecate_constant display dup enum_for eval exec exit extend
extend_object extended fail fork format freeze gem gem_original_require gets global_variables hash
include included included_modules initialize initialize_clone initialize_copy initialize_dup
inspect instance_eval instance_exec instance_method instance_methods instance_variable_get
instance_variable_set instance_variables itself j jj lambda load load_data_sources local_variables
loop method method_added method_missing method_removed method_undefined methods module_eval
module_exec module_function name object_id open p pluginname pp prepend prepend_features prepended
pretty_inspect pretty_print pretty_print_cycle pretty_print_inspect
pretty_print_instance_variables print printf private private_class_method private_constant
private_instance_methods private_methods proc protected protected_instance_methods
protected_methods public public_class_method public_constant public_instance_method
public_instance_methods public_method public_methods public_send putc puts raise rand readline
readlines refine remove_class_variable remove_const remove_instance_variable remove_method require
require_relative ruby2_keywords select send set_trace_func singleton_class singleton_method
singleton_method_added singleton_method_removed singleton_method_undefined singleton_methods sleep
spawn sprintf srand syscall system systemu taint tap test then throw to_enum to_json to_s to_yaml
trace_var trap trust undef_method untaint untrace_var untrust using warn yield_self
"""
RUBY_METHODS = frozenset(_METHODS.split())
"""The methods of every object in Ruby, and of MCollective's own Data module.

Nodes call a data function by Ruby's ``Data.send(name, argument)`` (MC:matcher.rb, execute_function).
A function with the name of such a method never gets to a plugin, and some methods do harm, such as
``system``.
"""
